/*
 * logs.h - calls of CloudWatch Logs. Source: its API reference, version 2014-03-28.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_LOGS_H
#define VASTFS_AWS_LOGS_H

#include "aws/aws.h"
#include "aws/service.h"

/*
 * One page, oldest first. Reply: events, nextForwardToken, which equals the token sent at the end of what there is.
 * token: NULL to begin with.
 */
struct aws_request *aws_logs_get_events(const char *group, const char *stream, const char *token);

/* One page, the stream with the newest event first. Reply: logStreams, nextToken. prefix and token may be NULL. */
struct aws_request *aws_logs_describe_streams(const char *group, const char *prefix, const char *token);

/* One page. Reply: events, nextToken ("" at the end). from_ms: wall clock; pattern, prefix and token may be NULL. */
struct aws_request *aws_logs_filter_events(const char *group, const char *prefix, const char *pattern, int64_t from_ms,
					   const char *token);

#endif
