/* SPDX-License-Identifier: BSD-3-Clause */
/* Base64 with the standard alphabet and padding (RFC 4648, section 4). */
#ifndef VAST_RUNTIME_BASE64_H
#define VAST_RUNTIME_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Characters that `len` bytes become. */
static inline size_t base64_encoded_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

/* Writes base64_encoded_len(len) characters to `out`, without a NUL. */
void base64_encode(char *out, const void *data, size_t len);

/*
 * Returns the number of bytes written to `out`, which has room for len / 4 * 3 and may be `text` itself.
 * -EINVAL for anything but whole, padded base64 in its canonical form.
 */
ssize_t base64_decode(void *out, const char *text, size_t len);

#endif
