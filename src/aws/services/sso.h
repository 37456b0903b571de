/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso.h - builds the requests to IAM Identity Center: to its portal, which returns credentials for a token, and to its
 * OIDC service, which issues tokens.
 *
 * None of these requests is signed. Each function returns one request, which the caller owns, or NULL without memory.
 * The functions are pure, and any thread may call them.
 *
 * Sources: AWS's service models sso 2019-06-10 and sso-oidc 2019-06-10; RFC 8628.
 */
#ifndef VASTFS_AWS_SSO_H
#define VASTFS_AWS_SSO_H

#include "aws/aws.h"

/*
 * header is "x-amz-sso_bearer_token: <token>" and must outlive the call. Reply: roleCredentials {accessKeyId,
 * secretAccessKey, sessionToken, expiration in milliseconds}.
 */
struct aws_request *sso_get_role_credentials(const char *role_name, const char *account_id, const char *header);

/* Ends the session of the token. header is the same as for sso_get_role_credentials. The reply is empty. */
struct aws_request *sso_portal_logout(const char *header);

/*
 * If scope is NULL, the client has no scope, and its token cannot be refreshed. Reply: clientId, clientSecret,
 * clientSecretExpiresAt in seconds.
 */
struct aws_request *sso_register_client(const char *client_name, const char *scope);

/* Reply: deviceCode, userCode, verificationUri, verificationUriComplete, expiresIn and interval, both in seconds. */
struct aws_request *sso_start_device_authorization(const char *client_id, const char *client_secret,
						   const char *start_url);

struct sso_token_request {
	const char *grant_type, *client_id, *client_secret;
	const char *refresh_token; /* one of refresh_token and device_code is NULL */
	const char *device_code;
};

/* Reply: accessToken, expiresIn in seconds, and optionally refreshToken. */
struct aws_request *sso_create_token(const struct sso_token_request *t);

#endif
