/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lambda.h - Lambda. Source: AWS's service model 2015-03-31.
 *
 * function is a name or ARN. Every function makes one request, NULL without memory; strings are copied.
 */
#ifndef VASTFS_AWS_LAMBDA_H
#define VASTFS_AWS_LAMBDA_H

#include "aws/aws.h"

struct aws_request *lambda_get_function_configuration(const char *function);

/* Moves the function into these subnets and groups (strings, copied); empty lists take it out of its VPC. */
struct aws_request *lambda_update_vpc(const char *function, const cJSON *subnets, const cJSON *groups);

/*
 * Invokes the function and waits for its reply; never sent twice. Takes ownership of the content of event (JSON).
 * timeout_ms must be longer than the timeout of the function. Reply: body and payload come from the function;
 * function_error and log_tail are set if present.
 */
struct aws_request *lambda_invoke(const char *function, struct buf *event, int timeout_ms);

/*
 * The same with a streamed reply (InvokeWithResponseStream): sink gets the bytes as they arrive, an event stream
 * (aws/protocol/eventstream.h) of PayloadChunk and InvokeComplete events.
 */
struct aws_request *lambda_invoke_stream(const char *function, struct buf *event, int timeout_ms,
					 int (*sink)(const void *data, size_t len, void *arg), void *arg);

#endif
