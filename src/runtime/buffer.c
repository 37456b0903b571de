/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_SIZE 4096

static int buffer_grow(struct buffer *buffer, size_t need)
{
	size_t size = buffer->size ? buffer->size : BUFFER_FIRST_SIZE;

	while (size < need)
		size *= 2;
	if (size > buffer->max)
		size = buffer->max;

	char *data = realloc(buffer->data, size);

	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

int buffer_add(struct buffer *buffer, const void *data, size_t len)
{
	if (len > buffer->max - buffer->len)
		return -EFBIG;
	if (len > buffer->size - buffer->len) {
		int err = buffer_grow(buffer, buffer->len + len);

		if (err < 0)
			return err;
	}
	if (len > 0)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
	return 0;
}

void buffer_drop(struct buffer *buffer, size_t count)
{
	if (count == 0)
		return;
	buffer->len -= count;
	memmove(buffer->data, buffer->data + count, buffer->len);
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->len = buffer->size = 0;
}
