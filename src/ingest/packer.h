/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packer.h - packs events into batches, each of which is a gzip member of limited size.
 *
 * One invocation of Lambda accepts 6,291,556 bytes of request, including base64 and the other fields of the event (AWS
 * Lambda Developer Guide, "Lambda quotas"). This quota is the reason for the limit. Pure; one thread at a time. The
 * caller owns the struct packer.
 */
#ifndef VASTFS_INGEST_PACKER_H
#define VASTFS_INGEST_PACKER_H

#include "base/buf.h"

#include <stdint.h>

#define ZLIB_CONST
#include <zlib.h>

#define PACKER_MAX 4500000 /* bytes of a batch, compressed */
/* The compressed size at which a batch ends: eight batches in flight use 16 MB of memory for their events. */
#define PACKER_TARGET 1500000
/* The inflated size at which a batch ends, because the command must end within lambda_timeout. */
#define PACKER_PLAIN (64 << 20)

struct packer {
	z_stream z;
	bool has_stream;
	struct buf out;	   /* the compressed bytes so far */
	uint64_t events;   /* number of events in the batch */
	uint64_t bytes;	   /* inflated bytes of these events */
	uint64_t inflated; /* all bytes that the command will read: events and the repeated header */
};

void packer_init(struct packer *p);
void packer_free(struct packer *p);

static inline bool packer_is_empty(const struct packer *p)
{
	return p->inflated == 0;
}

/* Returns whether len more bytes fit, even if they do not compress. */
bool packer_has_room(struct packer *p, size_t len);

/* Returns whether the batch should end. limit is PACKER_TARGET, or less if memory is short. */
bool packer_is_full(const struct packer *p, size_t limit);

/*
 * The header must be added first. n is the number of events in data. Both functions return -EFBIG above PACKER_MAX, and
 * the batch is unusable then.
 */
int packer_add_header(struct packer *p, const char *data, size_t len);
int packer_add(struct packer *p, const char *data, size_t len, uint64_t n);

/* Appends to out the batch as it would be if it ended now. The batch continues. Returns -EFBIG or -ENOMEM. */
int packer_peek(struct packer *p, struct buf *out);

/* Ends the batch, so that p->out is the gzip member. packer_next() starts another batch. */
int packer_finish(struct packer *p);
void packer_next(struct packer *p);

#endif
