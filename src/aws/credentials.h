/*
 * credentials.h - where the keys come from: environment, then ~/.aws/credentials, then ~/.aws/config, as AWS's SDKs do.
 *
 * Source: "Credentials" in AWS's SDKs and Tools reference guide. Files are read, the network is not used.
 */
#ifndef VASTFS_AWS_CREDENTIALS_H
#define VASTFS_AWS_CREDENTIALS_H

#include "base/error.h"

#include <stdint.h>

struct aws_credentials {
	char *key_id; /* all owned; NULL in an empty value */
	char *secret;
	char *token;	    /* "" if there is none */
	int64_t expires_ms; /* wall clock, 0: never */
	uint64_t files;	    /* fingerprint of the files at that time */
};

/*
 * Looks in all places. profile: the one the settings name, whose keys then win over the environment's, or NULL.
 * 0, -ENOMEM, or -ENOKEY with words that say where was looked.
 */
int aws_credentials_load(const char *profile, struct aws_credentials *ret, struct error *err);

/* Fingerprint of the state of the files as they are now. */
uint64_t aws_credentials_files(void);

void aws_credentials_free(struct aws_credentials *c);

#endif
