/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base64.h - encodes and decodes base64 with the standard alphabet and padding (RFC 4648, section 4).
 *
 * The caller owns all memory. base64_decode fills a static table, so only one thread may use it.
 */
#ifndef VAST_RUNTIME_BASE64_H
#define VAST_RUNTIME_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* The number of characters that encode `len` bytes. */
static inline size_t base64_encoded_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

/* Writes base64_encoded_len(len) characters to `out`, without a NUL. */
void base64_encode(char *out, const void *data, size_t len);

/*
 * Returns the number of bytes written to `out`, or -EINVAL if `text` is not complete, padded base64 in its canonical
 * form. `out` has room for len / 4 * 3 bytes and may be `text` itself.
 */
ssize_t base64_decode(void *out, const char *text, size_t len);

#endif
