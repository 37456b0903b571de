/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - the credentials that sign requests: how they are parsed from an answer and when they are renewed.
 *
 * Every function may be called from any thread. The caller owns the credentials.
 */
#ifndef VASTFS_AWS_CREDENTIALS_KEYS_H
#define VASTFS_AWS_CREDENTIALS_KEYS_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* Every string is owned by the struct and allocated with secret.h. All members of an empty value are NULL or 0. */
struct aws_credentials {
	char *key_id, *secret;
	char *token;	    /* "" if there is no token */
	int64_t expires_ms; /* wall clock; 0: never */
};

void aws_credentials_free(struct aws_credentials *c); /* frees the content, not *c; an all-zero *c is valid */

/*
 * The JSON member names under which a source gives credentials. expiry is an RFC 3339 text or a number of milliseconds
 * since 1970.
 */
struct aws_credentials_names {
	const char *key_id, *secret, *token, *expiry;
};

/* Parses a source's answer, all of which must be one JSON value. 0, -EBADMSG if it is not JSON, or -ENOMEM; *ret is
 * NULL then. */
int aws_credentials_parse(const char *text, cJSON **ret);

/*
 * Copies the credentials out of a source's answer. Returns -EBADMSG with a message that names the member that is
 * missing, has a wrong type or contains a control character, or -ENOMEM. *ret is empty after an error.
 */
int aws_credentials_take(const cJSON *answer, const struct aws_credentials_names *names, struct aws_credentials *ret,
			 struct error *err);

/*
 * The wall clock time at which credentials that were fetched at fetched_ms and expire at expires_ms are renewed. This
 * is 15 minutes before their expiry, as in the AWS CLI, or half of the time that was left at fetched_ms, whichever is
 * later: credentials that are valid for only 15 minutes would otherwise be fetched for every call. Pure.
 */
int64_t aws_credentials_renewal_ms(int64_t fetched_ms, int64_t expires_ms);

#endif
