/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chain.h - selects the credential source of a client, in the order in which the AWS CLI searches.
 *
 * The first configured source is used, even if it later fails to give credentials. A source that is configured wrongly
 * ends the search with an error. The search reads the environment and the parsed profiles (profiles.h), and nothing
 * else. Every function may be called from any thread. The caller owns the source that is returned.
 *
 * Source: botocore, credentials; "Credentials and profiles" in AWS's SDKs and Tools reference guide.
 */
#ifndef VASTFS_AWS_CREDENTIALS_CHAIN_H
#define VASTFS_AWS_CREDENTIALS_CHAIN_H

#include "aws/credentials/profiles.h"
#include "aws/credentials/source.h"

/*
 * wanted is the profile that the settings name, or NULL or "" if they name none. The credentials of a named profile
 * take precedence over those in the environment. The caller frees *ret with credential_source_free. Returns -ENOKEY
 * with a message and a remedy if nothing is configured or if the configured source cannot be used, and -ENOMEM without
 * memory.
 */
int credential_chain_find(const struct aws_profiles *profiles, const char *wanted, struct credential_source **ret,
			  struct error *err);

#endif
