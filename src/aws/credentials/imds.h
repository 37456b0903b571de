/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * imds.h - reads the settings of EC2's instance metadata service (IMDS) from the environment and the profile, as the
 * AWS CLI does.
 *
 * The functions only read the environment and the given profiles. Any thread may call them. The caller owns the source.
 *
 * Source: "IMDS credential provider" in AWS's SDKs and Tools reference guide; botocore, configprovider and utils.
 */
#ifndef VASTFS_AWS_CREDENTIALS_IMDS_H
#define VASTFS_AWS_CREDENTIALS_IMDS_H

#include "aws/credentials/profiles.h"
#include "aws/credentials/source.h"

/*
 * Sets s->url and s->imds. profile is the profile in use. Returns -ENOKEY with a message that names the invalid
 * setting, or -ENOMEM.
 */
int imds_configure(const struct aws_profiles *profiles, const char *profile, struct credential_source *s,
		   struct error *err);

/*
 * Returns the error that imds_configure would return. The AWS CLI refuses invalid settings even if another source gives
 * credentials.
 */
int imds_check(const struct aws_profiles *profiles, const char *profile, struct error *err);

#endif
