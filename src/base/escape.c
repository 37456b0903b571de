/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/escape.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/*
 * Control characters C0 and C1, line and paragraph separators, characters that change the direction of writing, and
 * invisible ones, by which two different names look the same. The joiners U+200C and U+200D are not among them, because
 * some scripts and emoji need them.
 */
static bool escape_is_unprintable(uint32_t c)
{
	static const struct {
		uint32_t low, high;
	} ranges[] = {{0, 0x1f},	{0x7f, 0x9f},	  {0xad, 0xad},	     {0x61c, 0x61c},
		      {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x2069},
		      {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].low && c <= ranges[i].high)
			return true;
	return false;
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
