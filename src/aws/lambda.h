/*
 * lambda.h - calls of Lambda. Source: its API reference, version 2015-03-31.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_LAMBDA_H
#define VASTFS_AWS_LAMBDA_H

#include "aws/aws.h"
#include "aws/service.h"

/* Reply: the function's configuration: State, LastUpdateStatus, VpcConfig, ... function: name or ARN. */
struct aws_request *aws_lambda_get_function_configuration(const char *function);

/* Reply: Configuration, Code.ImageUri, Code.ResolvedImageUri, Tags. */
struct aws_request *aws_lambda_get_function(const char *function);

/* Sets the VpcConfig; both NULL take the function out of its VPC. */
struct aws_request *aws_lambda_update_vpc(const char *function, const char *subnet_id, const char *group_id);

/*
 * Runs the function and waits for it; never sent twice. The reply's payload is what the function returned, log_tail
 * the last 4 KB of its log, function_error says whether it failed. timeout_ms: longer than the function's own.
 */
struct aws_request *aws_lambda_invoke(const char *function, const void *payload, size_t len, int timeout_ms);

#endif
