/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * imds.h - where EC2's instance metadata service is asked, and how: environment and profile, as the AWS CLI reads them.
 *
 * Pure but for the environment; any thread. Source: "IMDS credential provider" in AWS's SDKs and Tools reference guide,
 * and botocore, configprovider and utils.
 */
#ifndef VASTFS_AWS_CREDENTIALS_IMDS_H
#define VASTFS_AWS_CREDENTIALS_IMDS_H

#include "aws/credentials/profiles.h"
#include "aws/credentials/source.h"

/* Sets s->url and s->imds. profile: the one in use. -ENOKEY with a message that names the wrong setting; -ENOMEM. */
int imds_configure(const struct aws_profiles *profiles, const char *profile, struct credential_source *s,
		   struct error *err);

/* Whether that would fail. The AWS CLI refuses wrong settings even if another source gives keys. */
int imds_check(const struct aws_profiles *profiles, const char *profile, struct error *err);

#endif
