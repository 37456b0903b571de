/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * challenge.h - what a registry demands: the challenges of a WWW-Authenticate header (RFC 9110 section 11.6.1). Pure.
 */
#ifndef VASTFS_IMAGE_CHALLENGE_H
#define VASTFS_IMAGE_CHALLENGE_H

#include <stdbool.h>

enum challenge_scheme {
	CHALLENGE_UNKNOWN, /* Negotiate, NTLM, Digest and whatever else there is */
	CHALLENGE_BASIC,
	CHALLENGE_BEARER, /* a token is to be fetched from realm, which is never "" */
};

struct challenge {
	enum challenge_scheme scheme;
	char realm[1024];
	char service[256];
	char scope[1024];
};

/*
 * Takes the first challenge off the list, which may hold several, separated by commas as their parameters are. False at
 * the end. A value that does not fit reads as "".
 */
bool challenge_next(const char **list, struct challenge *ret);

#endif
