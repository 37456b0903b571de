/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * role_limits.h - what AWS accepts in a request for a role's keys, checked before it is sent, as the AWS CLI does it.
 *
 * Pure; any thread. Source: API reference of AWS STS, AssumeRole and AssumeRoleWithWebIdentity.
 */
#ifndef VASTFS_AWS_CREDENTIALS_ROLE_LIMITS_H
#define VASTFS_AWS_CREDENTIALS_ROLE_LIMITS_H

#include "base/error.h"

/* session (a made-up one is used for NULL and "") and external_id may be NULL. -ENOKEY with a message. */
int role_check(const char *arn, const char *session, const char *external_id, struct error *err);

/* duration_seconds of a profile, NULL: none. *ret 0: AWS's default, also for what is no number. -ENOKEY: too short. */
int role_duration(const char *text, int *ret, struct error *err);

#endif
