/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ring.h - the bytes between a source and a target that are not equally fast: a ring of a fixed size. Plain data.
 */
#ifndef VASTFS_IMAGE_RING_H
#define VASTFS_IMAGE_RING_H

#include <stddef.h>

#define RING_SIZE ((size_t)512 << 10)

struct ring {
	unsigned char *data; /* RING_SIZE bytes; owned by who allocates them */
	size_t at, len;
};

/* len must fit: at most RING_SIZE - r->len. */
void ring_put(struct ring *r, const void *data, size_t len);

/* Takes what lies in one piece, at most len bytes; how many. */
size_t ring_get(struct ring *r, void *out, size_t len);

#endif
