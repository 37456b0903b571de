/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sts.h - builds the requests to Security Token Service.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2011-06-15.
 */
#ifndef VASTFS_AWS_STS_H
#define VASTFS_AWS_STS_H

#include "aws/aws.h"

/* Reply: Account, Arn, UserId. */
struct aws_request *sts_get_caller_identity(void);

struct sts_role {
	const char *arn, *session_name;
	const char *external_id;	/* for sts_assume_role; NULL: none */
	const char *web_identity_token; /* for sts_assume_role_with_web_identity */
	int duration_s;			/* 0: AWS's default */
};

/*
 * Reply of both: Credentials {AccessKeyId, SecretAccessKey, SessionToken, Expiration}. The second request is not
 * signed.
 */
struct aws_request *sts_assume_role(const struct sts_role *role);
struct aws_request *sts_assume_role_with_web_identity(const struct sts_role *role);

#endif
