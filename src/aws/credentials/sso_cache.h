/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso_cache.h - reads and writes the cached IAM Identity Center tokens in the files of the AWS CLI.
 *
 * The file ~/.aws/sso/cache/<SHA-1 of the session's name, or of the start URL>.json contains the token and, for a
 * session, the data that refreshes it. vastfs and the AWS CLI share the file, so a sign-in with one of them is valid
 * for the other. The file is written with mode 0600.
 *
 * Any thread may call these functions; they read and write files. The caller owns the results.
 *
 * Source: botocore, utils.SSOTokenLoader and tokens.SSOTokenProvider.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SSO_CACHE_H
#define VASTFS_AWS_CREDENTIALS_SSO_CACHE_H

#include "aws/credentials/source.h"
#include "base/error.h"

#include <cjson/cJSON.h>

/* The path of the cache file. The caller frees it. NULL without a home directory or without memory. */
char *sso_cache_path(const struct credential_source *s);

/*
 * Reads the token: an object with the texts accessToken and expiresAt, and optionally refreshToken, clientId,
 * clientSecret and registrationExpiresAt. It contains secrets, so the caller frees it with secret_free_json. Returns
 * -ENOKEY with a message if there is no usable token.
 */
int sso_cache_read(const struct credential_source *s, cJSON **ret, struct error *err);

/*
 * Creates the directory. Reports a condition that would prevent the token from being written before the user signs in.
 */
int sso_cache_prepare(const struct credential_source *s, struct error *err);

/* Replaces the file atomically. */
int sso_cache_write(const struct credential_source *s, const cJSON *token, struct error *err);

/* Deletes the file. Returns -ENOENT if there is none. */
int sso_cache_remove(const struct credential_source *s, struct error *err);

#endif
