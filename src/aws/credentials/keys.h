/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.h - what requests are signed with, for as long as it holds.
 */
#ifndef VASTFS_AWS_CREDENTIALS_KEYS_H
#define VASTFS_AWS_CREDENTIALS_KEYS_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* All owned, from secret.h's memory; NULL in an empty value. */
struct aws_credentials {
	char *key_id, *secret;
	char *token;	    /* "" if there is none */
	int64_t expires_ms; /* wall clock, 0: never */
};

void aws_credentials_free(struct aws_credentials *c); /* the content; zeroes are fine */

/* The members under which a source gives keys. expiry is a text in RFC 3339, or a number of milliseconds. */
struct aws_credentials_names {
	const char *key_id, *secret, *token, *expiry;
};

/* A source's answer, JSON from its first to its last byte. NULL: it is not, or there is no memory. */
cJSON *aws_credentials_parse(const char *text);

/*
 * Takes keys from a source's answer. -EBADMSG with a message that names the member which is missing, has another type
 * or a control character; -ENOMEM. *ret is empty then.
 */
int aws_credentials_take(const cJSON *answer, const struct aws_credentials_names *names, struct aws_credentials *ret,
			 struct error *err);

/*
 * When keys that were given at fetched_ms are fetched anew, wall clock; they end at expires_ms. 15 minutes before their
 * end, as the AWS CLI does it, or half of the time that they had left: keys of a quarter of an hour would otherwise be
 * fetched for every call. Pure.
 */
int64_t aws_credentials_renewal_ms(int64_t fetched_ms, int64_t expires_ms);

#endif
