/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logs.h - builds the requests to CloudWatch Logs.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2014-03-28.
 */
#ifndef VASTFS_AWS_LOGS_H
#define VASTFS_AWS_LOGS_H

#include "aws/aws.h"

/*
 * Gets one page of the events since since_ms (0: all events), oldest first. token is the opaque nextForwardToken of an
 * earlier reply, or NULL to start with the first event. It must be used with the since_ms of the request that returned
 * it. Reply: events and nextForwardToken, which equals the token that was sent if there are no newer events. A token is
 * valid for 24 hours; after that AWS returns InvalidParameterException.
 */
struct aws_request *logs_get_log_events(const char *group, const char *stream, const char *token, int64_t since_ms);

/* Gets the last events, oldest first. Reply: events. */
struct aws_request *logs_get_last_events(const char *group, const char *stream, unsigned limit);

#endif
