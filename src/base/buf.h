/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buf.h - growable bytes with a maximum.
 *
 * Every buffer is created with a maximum size, so that no server can make vastfs grow without bound. The content is
 * always followed by a NUL that does not count, so text can be used as a C string. Appending is all or nothing: -EFBIG
 * over the maximum, -ENOMEM without memory; then the buffer is unchanged. The first failure stays in .error, so that a
 * renderer may append many times and check .error once; the result of its last append says nothing about the others.
 */
#ifndef VASTFS_BASE_BUF_H
#define VASTFS_BASE_BUF_H

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL before the first append */
	size_t len;
	size_t cap;
	size_t max;
	int error;   /* first failure, negative errno */
	bool secret; /* memory is overwritten before it is freed, also when the buffer grows */
};

#define BUF_INIT(most)        \
	{                     \
		.max = (most) \
	}

#define BUF_INIT_SECRET(most)                 \
	{                                     \
		.max = (most), .secret = true \
	}

void buf_init(struct buf *b, size_t max);
void buf_init_secret(struct buf *b, size_t max);
void buf_free(struct buf *b);  /* frees the content; the buffer can be used again */
void buf_clear(struct buf *b); /* drops content and error, keeps memory */

int buf_append(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) _printf_(2, 3);
int buf_vprintf(struct buf *b, const char *format, va_list args);

/* Drops the first len bytes. */
void buf_drop(struct buf *b, size_t len);

/* Content as a string: never NULL. */
const char *buf_str(const struct buf *b);

/* Hands the content (NUL-terminated, to be freed) to the caller and leaves the buffer empty; NULL without memory. */
char *buf_take(struct buf *b);

static inline void buf_cleanup(struct buf *b)
{
	buf_free(b);
}

#define _buf_ _cleanup_(buf_cleanup)

#endif
