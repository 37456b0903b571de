/*
 * iam.h - calls of Identity and Access Management. Source: its API reference, version 2010-05-08.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_IAM_H
#define VASTFS_AWS_IAM_H

#include "aws/aws.h"
#include "aws/service.h"

/* service_name: "ecs.amazonaws.com". InvalidInput "has been taken": it is there already. */
struct aws_request *aws_iam_create_service_linked_role(const char *service_name);

#endif
