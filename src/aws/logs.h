/* logs.h - CloudWatch Logs. Source: AWS's service model 2014-03-28. */
#ifndef VASTFS_AWS_LOGS_H
#define VASTFS_AWS_LOGS_H

#include "aws/aws.h"

/*
 * One page, oldest first, from the head or from where token (opaque) points. Reply: events, nextForwardToken, which is
 * the token sent where the stream ends for now.
 */
struct aws_request *logs_get_log_events(const char *group, const char *stream, const char *token);

#endif
