/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Growable bytes with a maximum that is set at creation.
 *
 * The owner calls buffer_free(); a freed buffer is empty and may be used again.
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

/* 0, -EFBIG if the maximum would be exceeded (nothing is added then), or -ENOMEM. */
int buffer_add(struct buffer *buffer, const void *data, size_t len);

/* Drops bytes at the beginning; `count` is at most the length. */
void buffer_drop(struct buffer *buffer, size_t count);

void buffer_free(struct buffer *buffer);

#endif
