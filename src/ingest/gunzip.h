/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gunzip.h - a stream that may be gzip: recognised by its first two bytes and inflated, in constant memory.
 *
 * Several gzip members one behind the other are one stream, as for gzip(1) (RFC 1952, 2.2). Pure; one thread at a time.
 */
#ifndef VASTFS_INGEST_GUNZIP_H
#define VASTFS_INGEST_GUNZIP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define ZLIB_CONST
#include <zlib.h>

enum gunzip_state {
	GUNZIP_UNDECIDED, /* fewer than two bytes have come */
	GUNZIP_PLAIN,
	GUNZIP_MEMBER,	/* inside a gzip member */
	GUNZIP_BETWEEN, /* a member has ended */
};

struct gunzip {
	/* Gets the plain bytes; the first call has two at least, unless the stream has only one. */
	int (*sink)(const char *data, size_t len, void *arg);
	void *arg;
	enum gunzip_state state;
	char head[2];
	size_t have; /* bytes of head */
	z_stream z;
	bool has_stream; /* z is to be ended */
	uint64_t taken;	 /* bytes of the stream */
};

void gunzip_init(struct gunzip *g, int (*sink)(const char *data, size_t len, void *arg), void *arg);
void gunzip_free(struct gunzip *g);

/* What the sink returned, -ENOMEM; -EBADMSG with a message for a damaged gzip stream: what came before was handed on.
 */
int gunzip_feed(struct gunzip *g, const char *data, size_t len, struct error *err);

/* The stream has ended: 0, or -EBADMSG with a message if a member was cut short. */
int gunzip_end(struct gunzip *g, struct error *err);

#endif
