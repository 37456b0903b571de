/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buffer.h - a growable byte array whose maximum size is set at creation.
 *
 * The owner calls buffer_free(). A freed buffer is empty and may be used again. One thread at a time uses a buffer.
 */
#ifndef VAST_RUNTIME_BUFFER_H
#define VAST_RUNTIME_BUFFER_H

#include <stddef.h>

struct buffer {
	char *data;
	size_t len;
	size_t size;
	size_t max;
};

/* Returns 0, -EFBIG without a change if the maximum would be exceeded, or -ENOMEM. */
int buffer_add(struct buffer *buffer, const void *data, size_t len);

/* Removes `count` bytes from the front; `count` is at most the length. */
void buffer_drop(struct buffer *buffer, size_t count);

void buffer_free(struct buffer *buffer);

#endif
