/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/escape.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* Control characters C0 and C1, line and paragraph separators, and characters that change the direction of writing. */
static bool escape_is_unprintable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static size_t escape_bytes(const char *s, size_t n, char *piece)
{
	const char *found = n == 1 && *s ? strchr("\nn\tt\rr", *s) : NULL;
	size_t len = 0;

	if (found && *s < 0x20)
		return (size_t)sprintf(piece, "\\%c", found[1]);
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(piece + len, "\\x%02x", (unsigned char)s[i]);
	return len;
}

size_t escape_next(const char *s, size_t left, char piece[static ESCAPE_PIECE_MAX], size_t *ret_len)
{
	uint32_t point = 0;
	size_t n = utf8_decode(s, left, &point);

	if (left >= 2 && memcmp(s, ESCAPE_NUL, 2) == 0) {
		*ret_len = escape_bytes("", 1, piece);
		return 2;
	}
	if (left >= 2 && memcmp(s, ESCAPE_LEAD, 2) == 0) {
		*ret_len = escape_bytes(ESCAPE_LEAD, 1, piece);
		return 2;
	}
	if (n && !escape_is_unprintable(point)) {
		memcpy(piece, s, n);
		*ret_len = n;
		return n;
	}
	*ret_len = escape_bytes(s, n ? n : 1, piece);
	return n ? n : 1;
}

int escape_line(struct buf *out, const char *text)
{
	size_t left = strlen(text), n;
	char piece[ESCAPE_PIECE_MAX];

	while (left) {
		size_t took = escape_next(text, left, piece, &n);

		buf_append(out, piece, n);
		text += took;
		left -= took;
	}
	return out->error;
}

char *escape_copy(char *out, size_t size, const char *text)
{
	size_t left = strlen(text), used = 0, n;
	char piece[ESCAPE_PIECE_MAX];

	while (left) {
		size_t took = escape_next(text, left, piece, &n);

		if (used + n >= size)
			break;
		memcpy(out + used, piece, n);
		used += n;
		text += took;
		left -= took;
	}
	out[used] = '\0';
	return out;
}

int escape_raw(struct buf *out, const char *text)
{
	for (;;) {
		const char *mark = strchrnul(text, ESCAPE_NUL[0]);

		buf_append(out, text, (size_t)(mark - text));
		if (!*mark)
			return out->error;
		if (mark[1] == ESCAPE_NUL[1])
			buf_append(out, "", 1);
		else
			buf_append(out, ESCAPE_LEAD, 1);
		text = mark + (mark[1] == ESCAPE_NUL[1] || mark[1] == ESCAPE_LEAD[1] ? 2 : 1);
	}
}
