/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"

#include <errno.h>
#include <string.h>

#define FIRST_CAPACITY 128

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT(max);
}

void buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT_SECRET(max);
}

void buf_free(struct buf *b)
{
	if (b->secret && b->data)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	*b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

static int buf_fail(struct buf *b, int errnum)
{
	if (!b->error)
		b->error = errnum;
	return errnum;
}

/* Like realloc(), but overwrites the old memory of a secret. */
static char *buf_move(struct buf *b, size_t cap)
{
	char *data = malloc(cap);

	if (!data || !b->data)
		return data;
	memcpy(data, b->data, b->len + 1);
	explicit_bzero(b->data, b->cap);
	free(b->data);
	return data;
}

/* Makes room for len more bytes and the NUL. */
static int buf_reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	char *data;

	if (len > b->max - b->len)
		return buf_fail(b, -EFBIG);
	while (cap < b->len + len + 1)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	data = b->secret ? buf_move(b, cap) : realloc(b->data, cap);
	if (!data)
		return buf_fail(b, -ENOMEM);
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
	int r = buf_reserve(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

int buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int n, r;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0)
		return buf_fail(b, -EINVAL);
	r = buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;
	vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
	b->len += (size_t)n;
	return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = buf_vprintf(b, format, args);
	va_end(args);
	return r;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *data = b->data ? move_ptr(b->data) : strdup("");

	buf_init(b, b->max);
	return data;
}

void buf_drop(struct buf *b, size_t len)
{
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}
