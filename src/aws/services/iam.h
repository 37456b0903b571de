/* SPDX-License-Identifier: BSD-3-Clause */
/* iam.h - Identity and Access Management. Source: AWS's service model 2010-05-08. */
#ifndef VASTFS_AWS_IAM_H
#define VASTFS_AWS_IAM_H

#include "aws/aws.h"

/* service: "ecs.amazonaws.com". InvalidInput ("has been taken") if the role exists. */
struct aws_request *iam_create_service_linked_role(const char *service);

/* Reads a managed policy. NoSuchEntity if it does not exist. */
struct aws_request *iam_get_policy(const char *arn);

#endif
