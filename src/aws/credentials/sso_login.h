/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso_login.h - signs in to IAM Identity Center, and signs out.
 *
 * A sign-in reports a URL and a code, which the user confirms in a browser on any machine, and polls the service for
 * the token in the meantime. It stores the token in the AWS CLI's cache (sso_cache.h), so the sign-in is valid for both
 * programs. Each sign-in registers a new client, because a registration of the AWS CLI may belong to another kind of
 * sign-in.
 *
 * All functions run on the engine thread. The caller owns the sign-in and frees it with sso_login_free.
 *
 * Sources: RFC 8628; AWS's service model sso-oidc 2019-06-10.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SSO_LOGIN_H
#define VASTFS_AWS_CREDENTIALS_SSO_LOGIN_H

#include "aws/aws.h"

struct sso_login;

struct sso_login_events {
	/*
	 * The user has to open url and confirm code within valid_s seconds. Both are printable texts, valid during the
	 * call.
	 */
	void (*prompt)(const char *url, const char *code, int64_t valid_s, void *arg);
	/*
	 * The service does not answer, and the sign-in continues. Called once at the start of each outage, and at its
	 * end with err NULL.
	 */
	void (*trouble)(const struct error *err, void *arg);
	/*
	 * The last event, unless the sign-in is freed before it. err->errnum is 0 if the token was stored. source is
	 * the label of the source that was signed in.
	 */
	void (*done)(const char *source, const struct error *err, void *arg);
};

/*
 * Signs in for the profile in use or, if it assumes a role, for the profile whose credentials assume that role. The
 * files are read during the call; the events come later. Returns -EINVAL with a message if the credentials do not come
 * from IAM Identity Center. events must outlive the sign-in.
 */
int sso_login_start(struct aws *a, const struct sso_login_events *events, void *arg, struct sso_login **ret,
		    struct error *err);

/*
 * Cancels a sign-in in progress, or frees one that has ended. l may be NULL. May also be called after the engine has
 * ended.
 */
void sso_login_free(struct sso_login *l);

/*
 * Deletes the stored token and ends the session at the portal without waiting for the portal's reply. *ret_source is
 * the label of the source; the caller frees it. Returns -EINVAL as sso_login_start does, or -ENOENT with a message if
 * nobody is signed in.
 */
int sso_logout(struct aws *a, char **ret_source, struct error *err);

#endif
