/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints which source of credentials the environment and ~/.aws give, one line "kind key" for it and for each source
 * that an assumed role has; or the refusal on standard error with exit status 1.
 *
 * usage: chain-dump [PROFILE]
 */
#include "aws/credentials/chain.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[] = {
	[CREDENTIAL_STATIC] = "static",	    [CREDENTIAL_ROLE] = "assume-role",
	[CREDENTIAL_SSO] = "sso",	    [CREDENTIAL_WEB_IDENTITY] = "assume-role-with-web-identity",
	[CREDENTIAL_PROCESS] = "process",   [CREDENTIAL_CONTAINER] = "container-role",
	[CREDENTIAL_INSTANCE] = "iam-role",
};

static const char *key_of(const struct credential_source *s)
{
	return s->key_id      ? s->key_id
	       : s->role_arn  ? s->role_arn
	       : s->role_name ? s->role_name
	       : s->process   ? s->process[0]
			      : "-";
}

int main(int argc, char **argv)
{
	struct credential_source *source = NULL;
	struct aws_profiles profiles;
	struct error err = {0};

	if (aws_profiles_load(&profiles, &err) < 0 ||
	    credential_chain_find(&profiles, argc > 1 ? argv[1] : NULL, &source, &err) < 0) {
		fprintf(stderr, "%s; %s\n", err.message, err.remedy);
		return EXIT_FAILURE;
	}
	for (const struct credential_source *s = source; s; s = s->source)
		printf("%s %s\n", kinds[s->kind], key_of(s));
	credential_source_free(source);
	aws_profiles_free(&profiles);
	return EXIT_SUCCESS;
}
