/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sign.h - computes signatures of AWS Signature Version 4. Pure.
 *
 * Source: "Create a signed AWS API request" in AWS's Identity and Access Management guide, and AWS's own test suite.
 * The caller passes the time. Times are wall clock milliseconds. Failures are -ENOMEM, and -E2BIG for more
 * than 40 headers.
 */
#ifndef VASTFS_AWS_SIGN_H
#define VASTFS_AWS_SIGN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_SHA256_HEX 65

/* The keys that sign. token is "" for long-term keys. */
struct aws_identity {
	const char *key_id;
	const char *secret;
	const char *token;
};

struct aws_to_sign {
	const char *method;
	/*
	 * The path as sent, so it is encoded already; "" means "/". It is signed as all services but S3 demand it: dot
	 * segments and doubled slashes are resolved, then each byte is encoded once more.
	 */
	const char *path;
	const char *query;	    /* query as sent, without the question mark; "" for none */
	const char *const *headers; /* "Name: value", NULL-terminated, with Host; all of them get signed */
	const void *body;
	size_t body_len;
	const char *region;
	const char *service;
	int64_t wall_ms;
};

/* A cache of keys derived from a secret for a day, region and service; saves four of five hashes. Zeroed: empty. */
struct aws_key_cache {
	struct {
		unsigned char of[32]; /* hash of the secret, day, region and service of the key */
		unsigned char key[32];
		bool used;
	} entries[16];
	unsigned next;
};

void aws_key_cache_clear(struct aws_key_cache *cache);

/*
 * The result: headers to add to the request. The header lines are "X-Amz-Date: ..." and so on, separated by
 * newlines, in the order in which they may be sent.
 */
struct aws_signed {
	struct buf canonical;	   /* the canonical request */
	struct buf string_to_sign; /* the string to sign: for tests, and to explain SignatureDoesNotMatch */
	struct buf headers;	   /* the result */
	char signature[AWS_SHA256_HEX];
};

/* cache may be NULL. The caller frees *ret with aws_signed_free(), also after a failure. */
int aws_sign(const struct aws_to_sign *r, const struct aws_identity *who, struct aws_key_cache *cache,
	     struct aws_signed *ret);

void aws_signed_free(struct aws_signed *s);

/* Lower-case hex of the SHA-256 of data. 0 or -ENOMEM. */
int aws_sha256_hex(const void *data, size_t len, char out[static AWS_SHA256_HEX]);

#endif
