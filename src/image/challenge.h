/*
 * challenge.h - what a registry demands: the WWW-Authenticate header (RFC 9110 section 11.6.1). Pure.
 */
#ifndef VASTFS_IMAGE_CHALLENGE_H
#define VASTFS_IMAGE_CHALLENGE_H

#include <stdbool.h>

struct challenge {
	bool bearer; /* a token is to be fetched from realm; else Basic */
	char realm[512];
	char service[256];
	char scope[512];
};

/* False if it demands neither of both. */
bool challenge_parse(const char *header, struct challenge *ret);

#endif
