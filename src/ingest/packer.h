/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packer.h - one batch after the other: events compressed as a gzip member of limited size.
 *
 * The limit is what one invocation of Lambda takes: 6,291,556 bytes of request, base64 and the rest of the event in
 * them (AWS Lambda Developer Guide, "Lambda quotas"). Pure; one thread at a time.
 */
#ifndef VASTFS_INGEST_PACKER_H
#define VASTFS_INGEST_PACKER_H

#include "base/buf.h"

#include <stdint.h>

#define ZLIB_CONST
#include <zlib.h>

#define PACKER_MAX    4500000	 /* bytes of a batch, compressed */
#define PACKER_TARGET 1500000	 /* from here on a batch is large enough: eight of them in flight are 16 MB of events */
#define PACKER_PLAIN  (64 << 20) /* likewise, inflated: the command must be done within lambda_timeout */

struct packer {
	z_stream z;
	bool has_stream;
	struct buf out;	   /* compressed so far */
	uint64_t events;   /* in the batch */
	uint64_t bytes;	   /* of events, inflated */
	uint64_t inflated; /* all bytes that the command will read: events and repeated header */
};

void packer_init(struct packer *p);
void packer_free(struct packer *p);

static inline bool packer_is_empty(const struct packer *p)
{
	return p->inflated == 0;
}

/* Whether len more bytes certainly fit, however badly they compress. */
bool packer_has_room(struct packer *p, size_t len);

/* Whether the batch should end. limit: PACKER_TARGET, or less where memory is short. */
bool packer_is_full(const struct packer *p, size_t limit);

/* The header comes first. n: events in data. -EFBIG: over PACKER_MAX; the batch is spoilt then. */
int packer_add_header(struct packer *p, const char *data, size_t len);
int packer_add(struct packer *p, const char *data, size_t len, uint64_t n);

/* What the batch would be if it ended now, appended to out; the batch goes on. -EFBIG, -ENOMEM. */
int packer_peek(struct packer *p, struct buf *out);

/* Ends the batch: p->out is the gzip member. packer_next begins another one. */
int packer_finish(struct packer *p);
void packer_next(struct packer *p);

#endif
