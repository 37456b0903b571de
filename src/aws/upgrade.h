/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * upgrade.h - the opening handshake of a WebSocket over HTTP: RFC 6455 section 4. Pure.
 */
#ifndef VASTFS_AWS_UPGRADE_H
#define VASTFS_AWS_UPGRADE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define UPGRADE_KEY_SIZE  25 /* bytes of the key's text with its NUL */
#define UPGRADE_REPLY_MAX ((size_t)16 << 10)

struct upgrade_url {
	char *connect; /* the URL with https or http, for libcurl; owned */
	char *host;    /* host with the port if there is one; owned */
	char *target;  /* path and query, unchanged; owned, may contain a secret */
};

/* Accepts ws, wss, http and https. -EINVAL with a message without the query. upgrade_url_free() in any case. */
int upgrade_url_parse(const char *url, struct upgrade_url *ret, struct error *err);
void upgrade_url_free(struct upgrade_url *u);

/* Makes the Sec-WebSocket-Key of 16 random bytes. */
void upgrade_key(const uint8_t random[16], char ret[UPGRADE_KEY_SIZE]);

/* Appends the request. */
int upgrade_request(const struct upgrade_url *u, const char *key, struct buf *out);

/*
 * Parses the reply. 0: its header is not complete yet; more than 0: the length of the header, and the server accepted;
 * -EPROTO with a message: the server refused, or the reply is not HTTP.
 */
int upgrade_reply(const char *data, size_t len, const char *key, struct error *err);

#endif
