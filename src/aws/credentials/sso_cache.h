/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso_cache.h - the tokens of IAM Identity Center, in the files that the AWS CLI keeps them in.
 *
 * ~/.aws/sso/cache/<SHA-1 of the session's name, or of the start URL>.json has the token and, for a session, what
 * refreshes it. vastfs and the AWS CLI share it: a sign-in with one counts for the other. Written with mode 0600.
 *
 * Source: botocore, utils.SSOTokenLoader and tokens.SSOTokenProvider.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SSO_CACHE_H
#define VASTFS_AWS_CREDENTIALS_SSO_CACHE_H

#include "aws/credentials/source.h"
#include "base/error.h"

#include <cjson/cJSON.h>

/* To be freed; NULL without a home or memory. */
char *sso_cache_path(const struct credential_source *s);

/*
 * The token, an object with the texts accessToken and expiresAt and perhaps refreshToken, clientId, clientSecret and
 * registrationExpiresAt; a secret (secret_free_json). -ENOKEY with a message if there is none or it cannot be used.
 */
int sso_cache_read(const struct credential_source *s, cJSON **ret, struct error *err);

/* Makes its directory, and says now what would keep a token from being written. */
int sso_cache_prepare(const struct credential_source *s, struct error *err);

/* Replaces it, as a whole. */
int sso_cache_write(const struct credential_source *s, const cJSON *token, struct error *err);

/* Deletes it. -ENOENT: there is none. */
int sso_cache_remove(const struct credential_source *s, struct error *err);

#endif
