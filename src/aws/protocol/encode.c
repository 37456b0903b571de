/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/encode.h"

#include <stdbool.h>
#include <string.h>

static bool encode_is_unreserved(char c, const char *also)
{
	return c &&
	       (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", c) || strchr(also, c));
}

void aws_encode(struct buf *out, const char *text, size_t len, const char *also_kept)
{
	for (size_t i = 0; i < len; i++) {
		if (encode_is_unreserved(text[i], also_kept))
			buf_putc(out, text[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)text[i]);
	}
}

void aws_encode_text(struct buf *out, const char *text)
{
	aws_encode(out, text, strlen(text), "");
}
