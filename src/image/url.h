/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * url.h - the little of URLs (RFC 3986) that following a registry takes; libcurl parses them. Pure.
 */
#ifndef VASTFS_IMAGE_URL_H
#define VASTFS_IMAGE_URL_H

#include <stdbool.h>

/* What `reference`, absolute or relative, means in a reply from `base`; http and https only. NULL: neither, or no
 * memory. */
char *image_url_resolve(const char *base, const char *reference);

/* url with a query parameter more; the value is encoded. NULL without memory. */
char *image_url_with(const char *url, const char *name, const char *value);

/* Same scheme, host and port: credentials for one may be sent to the other. */
bool image_url_same_origin(const char *a, const char *b);

/* https, or a server on this machine: nobody on the way reads what is sent. */
bool image_url_is_private(const char *url);

/* Whether going from one to the other would give up encryption. */
bool image_url_weakens(const char *from, const char *to);

#endif
