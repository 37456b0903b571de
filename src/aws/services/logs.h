/* SPDX-License-Identifier: BSD-3-Clause */
/* logs.h - CloudWatch Logs. Source: AWS's service model 2014-03-28. */
#ifndef VASTFS_AWS_LOGS_H
#define VASTFS_AWS_LOGS_H

#include "aws/aws.h"

/*
 * One page, oldest first, of the events of since_ms (0: all) and later, from the first of them or from where token
 * (opaque; NULL) points, which must go together with the since_ms that it came from. Reply: events, nextForwardToken,
 * which is the token sent where the stream ends for now. A token is good for 24 hours, then InvalidParameterException.
 */
struct aws_request *logs_get_log_events(const char *group, const char *stream, const char *token, int64_t since_ms);

/* The last events, oldest first. Reply: events. */
struct aws_request *logs_get_last_events(const char *group, const char *stream, unsigned limit);

#endif
