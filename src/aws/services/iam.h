/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iam.h - builds the requests to Identity and Access Management.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2010-05-08.
 */
#ifndef VASTFS_AWS_IAM_H
#define VASTFS_AWS_IAM_H

#include "aws/aws.h"

/*
 * service is for example "ecs.amazonaws.com". AWS returns InvalidInput ("has been taken") if the role already exists.
 */
struct aws_request *iam_create_service_linked_role(const char *service);

/* Reads a managed policy. AWS returns NoSuchEntity if it does not exist. */
struct aws_request *iam_get_policy(const char *arn);

#endif
