/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso.h - IAM Identity Center: the portal, which gives keys for a token, and OIDC, which gives tokens.
 *
 * None of these calls is signed. Sources: AWS's service models sso 2019-06-10 and sso-oidc 2019-06-10; RFC 8628.
 */
#ifndef VASTFS_AWS_SSO_H
#define VASTFS_AWS_SSO_H

#include "aws/aws.h"

/* header: "x-amz-sso_bearer_token: <token>", which must outlive the call. Reply: roleCredentials {accessKeyId,
 * secretAccessKey, sessionToken, expiration in milliseconds}. */
struct aws_request *sso_get_role_credentials(const char *role_name, const char *account_id, const char *header);

/* Ends the session of the token; header as above. Reply: empty. */
struct aws_request *sso_portal_logout(const char *header);

/* scope NULL: without a scope, the token cannot be refreshed. Reply: clientId, clientSecret,
 * clientSecretExpiresAt in seconds. */
struct aws_request *sso_register_client(const char *client_name, const char *scope);

/* Reply: deviceCode, userCode, verificationUri, verificationUriComplete, expiresIn, interval in seconds. */
struct aws_request *sso_start_device_authorization(const char *client_id, const char *client_secret,
						   const char *start_url);

struct sso_token_request {
	const char *grant_type, *client_id, *client_secret;
	const char *refresh_token; /* either this or device_code is NULL */
	const char *device_code;
};

/* Reply: accessToken, expiresIn in seconds, optionally refreshToken. */
struct aws_request *sso_create_token(const struct sso_token_request *t);

#endif
