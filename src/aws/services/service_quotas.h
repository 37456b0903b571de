/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service_quotas.h - builds the requests to Service Quotas.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2019-06-24.
 */
#ifndef VASTFS_AWS_SERVICE_QUOTAS_H
#define VASTFS_AWS_SERVICE_QUOTAS_H

#include "aws/aws.h"

/* A quota of this account and region, for example "ec2", "L-0263D0A3". Reply: Quota.Value. */
struct aws_request *quotas_get(const char *service_code, const char *quota_code);

#endif
