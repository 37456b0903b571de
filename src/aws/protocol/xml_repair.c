/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/xml_repair.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_REFERENCE 12 /* "&#x10FFFF;" */

static bool repair_is_allowed(unsigned long c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
	       (c >= 0x10000 && c <= 0x10ffff);
}

/* The length of a reference to a character that XML 1.0 does not allow; 0: no such reference. */
static size_t repair_reference(const char *s, size_t left, struct buf *out)
{
	char digits[LONGEST_REFERENCE + 1], *end;
	size_t at, n = 0;
	unsigned long c;
	bool hex;

	if (left < 4 || memcmp(s, "&#", 2) != 0)
		return 0;
	hex = s[2] == 'x';
	at = hex ? 3 : 2;
	while (n < LONGEST_REFERENCE && at + n < left && s[at + n] != ';')
		n++;
	if (at + n >= left || s[at + n] != ';' || !n)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s", (int)n, s + at);
	c = strtoul(digits, &end, hex ? 16 : 10);
	if (*end || repair_is_allowed(c))
		return 0;
	buf_printf(out, "\\x%02lx", c);
	return at + n + 1;
}

static size_t repair_next(const char *s, size_t left, struct buf *out)
{
	size_t n = repair_reference(s, left, out);

	if (n)
		return n;
	n = utf8_decode(s, left, NULL);
	if (n > 1 || (n == 1 && repair_is_allowed((unsigned char)*s))) {
		buf_append(out, s, n);
		return n;
	}
	buf_printf(out, "\\x%02x", (unsigned char)*s);
	return 1;
}

int aws_xml_repair(const char *text, size_t len, struct buf *out)
{
	bool repaired = false;

	while (len && !out->error) {
		size_t before = out->len, n = repair_next(text, len, out);

		repaired = repaired || out->len - before != n || memcmp(out->data + before, text, n) != 0;
		text += n;
		len -= n;
	}
	return out->error ? out->error : repaired;
}
