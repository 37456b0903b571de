/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.h - describes the credential source of one identity, as the environment and the files configure it.
 *
 * chain.h fills a source without any request; fetch.h later gets credentials from it. An assumed role contains the
 * source whose credentials assume it, so sources form a chain. The owner frees the whole chain with
 * credential_source_free, on any thread.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SOURCE_H
#define VASTFS_AWS_CREDENTIALS_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum credential_kind {
	CREDENTIAL_STATIC,	 /* the credentials are in the source itself */
	CREDENTIAL_ROLE,	 /* sts:AssumeRole with the credentials of another source */
	CREDENTIAL_WEB_IDENTITY, /* sts:AssumeRoleWithWebIdentity with a token from a file */
	CREDENTIAL_SSO,		 /* IAM Identity Center */
	CREDENTIAL_PROCESS,	 /* a program that prints credentials */
	CREDENTIAL_CONTAINER,	 /* the endpoint of an ECS task or an EKS pod */
	CREDENTIAL_INSTANCE,	 /* EC2's instance metadata service, version 2 */
};

/* The struct owns all strings. Strings that its kind does not use are NULL. */
struct credential_source {
	enum credential_kind kind;
	char *label;			  /* name for messages: "sso profile work" */
	char *key_id, *secret, *token;	  /* static; token is "" if there is none */
	int64_t expires_ms;		  /* static; wall clock, 0: never */
	char *role_arn, *session_name;	  /* role, web identity; session_name NULL: a name is generated */
	char *external_id;		  /* role; NULL: none */
	int duration_s;			  /* role; 0: AWS's default */
	struct credential_source *source; /* role; the source whose credentials assume it */
	char *token_file;		  /* web identity */
	char *sso_session; /* SSO; name of the sso-session, NULL: the profile has the older form without a session */
	char *start_url, *sso_region, *account_id, *role_name;
	char **process; /* the words of the command line, NULL at the end */
	char *url;	/* container: the complete URL; instance: the URL without a path */
	struct {
		int timeout_s, tries;
		bool only_version_2;
	} imds;		      /* instance */
	struct error nothing; /* instance; the message of the search if there is no such service */
};

/* s may be NULL. Secrets are overwritten before they are freed. */
void credential_source_free(struct credential_source *s);

#endif
