/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.h - where one identity's keys come from: what the environment and the files say, before anything is asked.
 *
 * A source is decided from memory (chain.h) and asked for keys later (the fetch of its kind). An assumed role has a
 * source of its own, so sources form a chain of any depth.
 */
#ifndef VASTFS_AWS_CREDENTIALS_SOURCE_H
#define VASTFS_AWS_CREDENTIALS_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum credential_kind {
	CREDENTIAL_STATIC,	 /* the keys themselves */
	CREDENTIAL_ROLE,	 /* sts:AssumeRole with the keys of another source */
	CREDENTIAL_WEB_IDENTITY, /* sts:AssumeRoleWithWebIdentity with a token from a file */
	CREDENTIAL_SSO,		 /* IAM Identity Center */
	CREDENTIAL_PROCESS,	 /* a program that prints keys */
	CREDENTIAL_CONTAINER,	 /* the endpoint of an ECS task or an EKS pod */
	CREDENTIAL_INSTANCE,	 /* EC2's instance metadata service, version 2 */
};

/* All strings are owned; those that the kind does not use are NULL. */
struct credential_source {
	enum credential_kind kind;
	char *label;			  /* for people: "sso profile work" */
	char *key_id, *secret, *token;	  /* static; token "" if there is none */
	int64_t expires_ms;		  /* static: wall clock, 0: never */
	char *role_arn, *session_name;	  /* role, web identity; session_name NULL: one is made up */
	char *external_id;		  /* role; NULL: none */
	int duration_s;			  /* role; 0: AWS's default */
	struct credential_source *source; /* role: whose keys assume it */
	char *token_file;		  /* web identity */
	char *sso_session;		  /* SSO: name of the sso-session; NULL: the older form without one */
	char *start_url, *sso_region, *account_id, *role_name;
	char **process; /* words, NULL at the end */
	char *url;	/* container: the whole; instance: without a path */
	struct {
		int timeout_s, tries;
		bool only_version_2;
	} imds;		      /* instance */
	struct error nothing; /* instance: what the search says if there is no such service */
};

/* NULL is fine. Keys are cleansed. */
void credential_source_free(struct credential_source *s);

#endif
