/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * upgrade.h - how an HTTP connection becomes a WebSocket: RFC 6455 section 4. Pure.
 */
#ifndef VASTFS_AWS_UPGRADE_H
#define VASTFS_AWS_UPGRADE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define UPGRADE_KEY_SIZE  25 /* of text, with its NUL */
#define UPGRADE_REPLY_MAX ((size_t)16 << 10)

struct upgrade_url {
	char *connect; /* the same with https or http, for libcurl; owned */
	char *host;    /* with the port if there is one; owned */
	char *target;  /* path and query as they stand; owned, may hold a secret */
};

/* ws, wss, http or https. -EINVAL with words that do not hold the query. upgrade_url_free() in any case. */
int upgrade_url_parse(const char *url, struct upgrade_url *ret, struct error *err);
void upgrade_url_free(struct upgrade_url *u);

/* The Sec-WebSocket-Key made of 16 random bytes. */
void upgrade_key(const uint8_t random[16], char ret[UPGRADE_KEY_SIZE]);

/* Appends the request. */
int upgrade_request(const struct upgrade_url *u, const char *key, struct buf *out);

/*
 * Looks at what came. 0: not all of the head is there; more than 0: its length, and the peer agreed; -EPROTO with words
 * if it did not, or if what came is no HTTP.
 */
int upgrade_reply(const char *data, size_t len, const char *key, struct error *err);

#endif
