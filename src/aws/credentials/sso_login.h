/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sso_login.h - signing in to IAM Identity Center, and signing out.
 *
 * A sign-in shows a URL and a code, which a person confirms in a browser on any machine; meanwhile the service is
 * polled for the token. The token is stored where the AWS CLI looks for it (sso_cache.h), so it counts for both. The
 * client is registered anew for each sign-in: a registration of the AWS CLI may be one for another kind of sign-in.
 *
 * All functions run on the engine thread. Sources: RFC 8628; AWS's service model sso-oidc 2019-06-10.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SSO_LOGIN_H
#define VASTFS_AWS_CREDENTIALS_SSO_LOGIN_H

#include "aws/aws.h"

struct sso_login;

struct sso_login_events {
	/* What a person has to open and confirm. Printable text, valid during the call; valid_s: seconds to do it in.
	 */
	void (*prompt)(const char *url, const char *code, int64_t valid_s, void *arg);
	/* No answer for now; the sign-in goes on. Once for each outage; at its end again with err NULL. */
	void (*trouble)(const struct error *err, void *arg);
	/* The last event, unless it is freed before. err->errnum 0: the token is stored; source names what it is for.
	 */
	void (*done)(const char *source, const struct error *err, void *arg);
};

/*
 * Signs in for the profile in use, or for the one whose keys assume its role. Files are read now; events come later.
 * -EINVAL with a message: the credentials do not come from IAM Identity Center. events must outlive it.
 */
int sso_login_start(struct aws *a, const struct sso_login_events *events, void *arg, struct sso_login **ret,
		    struct error *err);

/* Abandons it, or frees it after its end. NULL is fine. Also when the engine has ended. */
void sso_login_free(struct sso_login *l);

/*
 * Removes the stored token and tells the portal, whose answer is not waited for. *ret_source names what it was for; to
 * be freed. -EINVAL as above; -ENOENT with a message: nobody is signed in.
 */
int sso_logout(struct aws *a, char **ret_source, struct error *err);

#endif
