/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lambda.h - builds the requests to Lambda.
 *
 * function is a name or an ARN. Each function returns one request, which the caller owns, or NULL without memory.
 * Strings are copied. The functions are pure, and any thread may call them.
 *
 * Source: AWS's service model 2015-03-31.
 */
#ifndef VASTFS_AWS_LAMBDA_H
#define VASTFS_AWS_LAMBDA_H

#include "aws/aws.h"

struct aws_request *lambda_get_function_configuration(const char *function);

/* The quotas of the account in this region. Reply: AccountLimit.ConcurrentExecutions. */
struct aws_request *lambda_get_account_settings(void);

/*
 * Connects the function to these subnets and security groups (strings, copied). Empty lists disconnect it from its VPC.
 */
struct aws_request *lambda_update_vpc(const char *function, const cJSON *subnets, const cJSON *groups);

/*
 * Invokes the function and waits for its reply. The request is not repeated once AWS may have received it, because the
 * function may have run. It takes ownership of the content of event (JSON). timeout_ms must be longer than the timeout
 * of the function. The body and the payload of the reply come from the function; function_error and log_tail are set if
 * they are present.
 */
struct aws_request *lambda_invoke(const char *function, struct buf *event, int timeout_ms);

/*
 * Invokes the function with a streamed reply (InvokeWithResponseStream). sink receives the bytes of the reply as they
 * arrive. They are an event stream (aws/protocol/eventstream.h) of PayloadChunk and InvokeComplete events.
 */
struct aws_request *lambda_invoke_stream(const char *function, struct buf *event, int timeout_ms,
					 int (*sink)(const void *data, size_t len, void *arg), void *arg);

#endif
