/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * role_limits.h - checks the parameters of a role against AWS's limits before the request is sent, as the AWS CLI does.
 *
 * The functions are pure, and any thread may call them. They keep no reference to their arguments.
 *
 * Source: API reference of AWS STS, AssumeRole and AssumeRoleWithWebIdentity.
 */
#ifndef VASTFS_AWS_CREDENTIALS_ROLE_LIMITS_H
#define VASTFS_AWS_CREDENTIALS_ROLE_LIMITS_H

#include "base/error.h"

/*
 * session and external_id may be NULL. A session of NULL or "" is replaced by a generated name later. Returns -ENOKEY
 * with a message.
 */
int role_check(const char *arn, const char *session, const char *external_id, struct error *err);

/*
 * text is a profile's duration_seconds, or NULL. *ret is 0 for AWS's default, also if text is not a number. Returns
 * -ENOKEY if the duration is too short.
 */
int role_duration(const char *text, int *ret, struct error *err);

#endif
