/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * challenge.h - parses the challenges of a WWW-Authenticate header (RFC 9110 section 11.6.1). Pure.
 */
#ifndef VASTFS_IMAGE_CHALLENGE_H
#define VASTFS_IMAGE_CHALLENGE_H

#include <stdbool.h>

enum challenge_scheme {
	CHALLENGE_UNKNOWN, /* Negotiate, NTLM, Digest and all others */
	CHALLENGE_BASIC,
	CHALLENGE_BEARER, /* a token must be fetched from realm, which is never "" */
};

struct challenge {
	enum challenge_scheme scheme;
	char realm[1024];
	char service[256];
	char scope[1024];
};

/*
 * Parses the first challenge of *list and moves *list behind it. Challenges are separated by commas, and so are their
 * parameters. False at the end of the list. A value that does not fit its buffer becomes "".
 */
bool challenge_next(const char **list, struct challenge *ret);

#endif
