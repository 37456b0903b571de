/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gunzip.h - inflates a stream that may be gzip. The first two bytes decide whether it is. The memory use is constant.
 *
 * Concatenated gzip members are one stream, as for gzip(1) (RFC 1952, 2.2). Pure; one thread at a time. The caller owns
 * the struct gunzip.
 */
#ifndef VASTFS_INGEST_GUNZIP_H
#define VASTFS_INGEST_GUNZIP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define ZLIB_CONST
#include <zlib.h>

enum gunzip_state {
	GUNZIP_UNDECIDED, /* fewer than two bytes have arrived */
	GUNZIP_PLAIN,
	GUNZIP_MEMBER,	/* inside a gzip member */
	GUNZIP_BETWEEN, /* a member has ended */
};

struct gunzip {
	/* Takes the plain bytes. The first call has at least two bytes, unless the stream has only one. */
	int (*sink)(const char *data, size_t len, void *arg);
	void *arg;
	enum gunzip_state state;
	char head[2];
	size_t have; /* bytes in head */
	z_stream z;
	bool has_stream; /* z must be ended */
	bool began;	 /* the sink has had the first inflated bytes */
	bool is_held;	 /* the first inflated byte waits for the second */
	char held;
	uint64_t taken; /* bytes of the stream */
};

void gunzip_init(struct gunzip *g, int (*sink)(const char *data, size_t len, void *arg), void *arg);
void gunzip_free(struct gunzip *g);

/*
 * Returns the result of the sink, -ENOMEM, or -EBADMSG with a message for a damaged gzip stream. The bytes before the
 * damage have been handed on.
 */
int gunzip_feed(struct gunzip *g, const char *data, size_t len, struct error *err);

/* Ends the stream. Returns 0, or -EBADMSG with a message if a member is incomplete. */
int gunzip_end(struct gunzip *g, struct error *err);

#endif
