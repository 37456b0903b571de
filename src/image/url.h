/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * url.h - the operations on URLs (RFC 3986) that requests to a registry need; libcurl parses them. Pure.
 */
#ifndef VASTFS_IMAGE_URL_H
#define VASTFS_IMAGE_URL_H

#include <stdbool.h>

/* Resolves a reference, absolute or relative to base; http and https only. -EINVAL: another scheme; -ENOMEM. *ret is
 * NULL then. */
int image_url_resolve(const char *base, const char *reference, char **ret);

/* Adds a query parameter and encodes its value. NULL without memory. */
char *image_url_with(const char *url, const char *name, const char *value);

/* 1 for the same scheme, host and port: credentials for one may be sent to the other. Else 0, or -ENOMEM. */
int image_url_same_origin(const char *a, const char *b);

/* 1 for https, or a server on this machine: the network between cannot read the request. Else 0, or -ENOMEM. */
int image_url_is_private(const char *url);

/* Whether a redirect from one to the other would lose encryption. */
bool image_url_weakens(const char *from, const char *to);

#endif
