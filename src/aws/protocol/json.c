/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/json.h"

#include "base/escape.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PRINT_FIRST_GUESS 4096
#define REPLACEMENT	  "\xef\xbf\xbd" /* U+FFFD */

/* The value of the four digits of \uXXXX; -1: not digits. */
static int json_unit_at(const char *s, size_t left)
{
	char digits[5] = "";

	if (left < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)(digits[i] = s[2 + i])))
			return -1;
	return (int)strtol(digits, NULL, 16);
}

static bool json_is_half(int unit)
{
	return unit >= 0xd800 && unit <= 0xdfff;
}

/* Handles an escape sequence. Returns the number of bytes consumed. */
static size_t json_take_escape(struct buf *out, const char *s, size_t left)
{
	int unit = json_unit_at(s, left);

	if (unit == 0) {
		buf_puts(out, ESCAPE_NUL);
		return 6;
	}
	if (json_is_half(unit)) {
		int second = json_unit_at(s + 6, left - 6);

		if (unit < 0xdc00 && second >= 0xdc00 && second <= 0xdfff) {
			buf_append(out, s, 12);
			return 12;
		}
		buf_puts(out, REPLACEMENT);
		return 6;
	}
	if (left < 2) {
		buf_append(out, s, left);
		return left;
	}
	buf_append(out, s, 2);
	return 2;
}

/* Whether the text needs marks (json.h). Most replies do not, and are not copied. */
static bool json_needs_marks(const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	if (memchr(text, '\0', len) || memchr(text, ESCAPE_LEAD[0], len))
		return true;
	while ((at = memmem(at, (size_t)(end - at), "\\u", 2))) {
		int unit = json_unit_at(at, (size_t)(end - at));

		if (unit == 0 || json_is_half(unit))
			return true;
		at += 2;
	}
	return false;
}

/* A NUL, the first byte of a mark, or a backslash. */
static size_t json_find_special(const char *s, size_t left)
{
	size_t n = 0;

	while (n < left && s[n] && s[n] != '\\' && s[n] != ESCAPE_LEAD[0])
		n++;
	return n;
}

static int json_put_marks(struct buf *out, const char *s, size_t left)
{
	while (left) {
		size_t n = json_find_special(s, left);

		buf_append(out, s, n);
		s += n;
		left -= n;
		if (!left)
			break;
		if (*s == '\\') {
			n = json_take_escape(out, s, left);
		} else {
			buf_puts(out, *s ? ESCAPE_LEAD : ESCAPE_NUL);
			n = 1;
		}
		s += n;
		left -= n;
	}
	return out->error;
}

cJSON *aws_json_read(const char *text, size_t len)
{
	_buf_ struct buf marked = BUF_INIT(6 * len + 1);

	if (!json_needs_marks(text, len))
		return cJSON_ParseWithLength(text, len + 1);
	if (json_put_marks(&marked, text, len) < 0)
		return NULL;
	return cJSON_ParseWithLength(marked.data, marked.len + 1);
}

/* Replaces marks by the JSON escapes of their characters. */
static int json_unmark(struct buf *out, const char *text)
{
	for (;;) {
		const char *mark = strchrnul(text, ESCAPE_NUL[0]);

		buf_append(out, text, (size_t)(mark - text));
		if (!*mark)
			return out->error;
		if (mark[1] == ESCAPE_NUL[1])
			buf_puts(out, "\\u0000");
		else
			buf_append(out, ESCAPE_LEAD, 1);
		text = mark + (mark[1] == ESCAPE_NUL[1] || mark[1] == ESCAPE_LEAD[1] ? 2 : 1);
	}
}

char *aws_json_print(const cJSON *tree)
{
	char *text = cJSON_PrintBuffered(tree, PRINT_FIRST_GUESS, true);
	_buf_ struct buf out = BUF_INIT(SIZE_MAX / 2);

	if (!text)
		return NULL;
	json_unmark(&out, text);
	buf_putc(&out, '\n');
	cJSON_free(text);
	return out.error ? NULL : buf_take(&out);
}
