/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/markup.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ELLIPSIS    "\xe2\x80\xa6"
#define REPLACEMENT "\xef\xbf\xbd"

static const char *markup_reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Appends one printable character, or the escape sequence that stands for a character. */
static void markup_put_piece(struct buf *out, const char *piece, size_t len)
{
	uint32_t point = 0;

	if (utf8_decode(piece, len, &point) == len && (point == 0xfffe || point == 0xffff)) {
		buf_puts(out, REPLACEMENT);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		const char *reference = markup_reference(piece[i]);

		if (reference)
			buf_puts(out, reference);
		else
			buf_putc(out, piece[i]);
	}
}

/* Every character from the first Hangul letters on counts as wide. An estimate that is too wide does no harm. */
static size_t markup_columns_of(const char *piece, size_t len)
{
	uint32_t point = 0;

	if (utf8_decode(piece, len, &point) != len)
		return len;
	return point >= 0x1100 && !(point >= 0x2000 && point < 0x2e80) ? 2 : 1;
}

/* Returns whether text has at most that many columns. */
static bool markup_fits(const char *text, size_t columns)
{
	size_t left = strlen(text), used = 0, len;
	char piece[ESCAPE_PIECE_MAX];

	while (left && used <= columns) {
		size_t took = escape_next(text, left, piece, &len);

		used += markup_columns_of(piece, len);
		text += took;
		left -= took;
	}
	return used <= columns;
}

int markup_text(struct buf *out, const char *text, size_t columns)
{
	bool fits = markup_fits(text, columns);
	size_t left = strlen(text), room = fits ? SIZE_MAX : columns, len;
	char piece[ESCAPE_PIECE_MAX];

	while (left) {
		size_t took = escape_next(text, left, piece, &len), wide = markup_columns_of(piece, len);

		if (!fits && wide >= room)
			break;
		markup_put_piece(out, piece, len);
		room -= wide;
		text += took;
		left -= took;
	}
	if (!fits && columns)
		buf_puts(out, ELLIPSIS);
	return out->error;
}

static void markup_put_argument(struct buf *out, const char *text, size_t columns)
{
	markup_text(out, text ? text : "", columns);
}

/* format follows the percent sign. Returns the rest of the format. */
static const char *markup_convert(struct buf *out, const char *format, va_list *args)
{
	if (strncmp(format, ".*s", 3) == 0) {
		int columns = va_arg(*args, int);

		markup_put_argument(out, va_arg(*args, const char *), columns > 0 ? (size_t)columns : 0);
		return format + 3;
	}
	if (*format == 's')
		markup_put_argument(out, va_arg(*args, const char *), SIZE_MAX);
	else if (*format == 'd')
		buf_printf(out, "%d", va_arg(*args, int));
	else if (*format == 'u')
		buf_printf(out, "%u", va_arg(*args, unsigned));
	else if (*format == '%')
		buf_putc(out, '%');
	else
		abort(); /* the text of any other conversion would not be escaped */
	return format + 1;
}

int markup(struct buf *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		size_t plain = strcspn(format, "%");

		buf_append(out, format, plain);
		format += plain;
		if (*format)
			format = markup_convert(out, format + 1, &args);
	}
	va_end(args);
	return out->error;
}
