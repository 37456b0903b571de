/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/utf8.h"

#include "base/cleanup.h"

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	size_t n = !len		 ? 0
		   : s[0] < 0x80 ? 1
		   : s[0] < 0xc0 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf8 ? 4
				 : 0;
	uint32_t point;

	if (!n || n > len)
		return 0;
	point = n > 1 ? s[0] & (0x7fu >> n) : s[0];
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3fu);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	if (ret_point)
		*ret_point = point;
	return n;
}

bool utf8_is_valid(const char *text, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_decode(text + at, len - at, NULL);
		if (!n)
			return false;
	}
	return true;
}

static bool utf8_is_blank(uint32_t point)
{
	static const struct {
		uint32_t low, high;
	} blanks[] = {{0x09, 0x0d},	{0x1c, 0x20},	  {0x85, 0x85},	    {0xa0, 0xa0},     {0x1680, 0x1680},
		      {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

	for (size_t i = 0; i < ARRAY_SIZE(blanks); i++)
		if (point >= blanks[i].low && point <= blanks[i].high)
			return true;
	return false;
}

size_t utf8_blank_at(const char *text, size_t len)
{
	uint32_t point;
	size_t n = utf8_decode(text, len, &point);

	return n && utf8_is_blank(point) ? n : 0;
}

size_t utf8_blank_before(const char *text, size_t len)
{
	size_t n = 1;

	while (n < len && n < 4 && ((unsigned char)text[len - n] & 0xc0) == 0x80)
		n++;
	return len ? utf8_blank_at(text + len - n, n) : 0;
}
