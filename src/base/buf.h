/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buf.h - growable bytes with a maximum.
 *
 * Every buffer is born with the most it may hold, so that no peer can make vastfs grow without bound. The content is
 * always followed by a NUL that does not count, so text can be used as a C string. Appending is all or nothing:
 * -EFBIG over the maximum, -ENOMEM without memory; the buffer is unchanged then. A failure sticks in .error, so that
 * a renderer may append many times and check once.
 */
#ifndef VASTFS_BASE_BUF_H
#define VASTFS_BASE_BUF_H

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t cap;
	size_t max;
	int error;   /* first failure, negative errno */
	bool secret; /* overwritten before it is freed, and when it grows no copy stays behind */
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
void buf_free(struct buf *b);  /* releases the content; the buffer can be used again */
void buf_clear(struct buf *b); /* forgets content and error, keeps memory */

int buf_append(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) _printf_(2, 3);
int buf_vprintf(struct buf *b, const char *format, va_list args);

/* Forgets the first len bytes. */
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
