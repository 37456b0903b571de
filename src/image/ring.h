/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ring.h - a ring buffer of fixed size between a source and a target of different speed. One thread at a time uses a
 * ring; nothing is allocated.
 */
#ifndef VASTFS_IMAGE_RING_H
#define VASTFS_IMAGE_RING_H

#include <stddef.h>

#define RING_SIZE ((size_t)512 << 10)

struct ring {
	unsigned char *data; /* RING_SIZE bytes; allocated and freed by the caller */
	size_t at, len;
};

/* len must fit: at most RING_SIZE - r->len. */
void ring_put(struct ring *r, const void *data, size_t len);

/* Takes up to len bytes that are contiguous in the ring. Returns their number. */
size_t ring_get(struct ring *r, void *out, size_t len);

#endif
