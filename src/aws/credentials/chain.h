/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chain.h - which source gives the keys: the order in which the AWS CLI looks.
 *
 * The first source that is configured is the one, whether it works or not; what is configured wrongly ends the search
 * with an error. Reads the environment and what profiles.h has read, and nothing else. Any thread.
 *
 * Source: botocore, credentials; "Credentials and profiles" in AWS's SDKs and Tools reference guide.
 */
#ifndef VASTFS_AWS_CREDENTIALS_CHAIN_H
#define VASTFS_AWS_CREDENTIALS_CHAIN_H

#include "aws/credentials/profiles.h"
#include "aws/credentials/source.h"

/*
 * wanted: the profile that the settings name, whose keys then win over the environment's; NULL or "": none. *ret is the
 * caller's (credential_source_free). -ENOKEY with a message and a remedy where nothing is configured or what is
 * configured cannot be used; -ENOMEM.
 */
int credential_chain_find(const struct aws_profiles *profiles, const char *wanted, struct credential_source **ret,
			  struct error *err);

#endif
