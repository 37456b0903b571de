/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"

#include <errno.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;

	for (; len > 0; out += 4) {
		size_t take = len < 3 ? len : 3;
		uint32_t bits = (uint32_t)in[0] << 16;

		if (take > 1)
			bits |= (uint32_t)in[1] << 8;
		if (take > 2)
			bits |= in[2];
		out[0] = alphabet[bits >> 18];
		out[1] = alphabet[bits >> 12 & 63];
		out[2] = take > 1 ? alphabet[bits >> 6 & 63] : '=';
		out[3] = take > 2 ? alphabet[bits & 63] : '=';
		in += take;
		len -= take;
	}
}

/*
 * The value of each character plus one; 0 for characters outside the alphabet. A table, because events contain
 * megabytes of base64.
 */
static uint8_t values[256];

static int base64_value(char c)
{
	return values[(uint8_t)c] - 1;
}

static void base64_fill_values(void)
{
	for (uint8_t i = 0; i < sizeof(alphabet) - 1; i++)
		values[(uint8_t)alphabet[i]] = i + 1;
}

/*
 * Decodes four characters. Only the first `count` contain data; bits without data must be zero in the canonical form.
 */
static int base64_decode_group(uint8_t *out, const char *text, size_t count)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < count ? base64_value(text[i]) : 0;

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
	}
	if ((count < 4 && (bits & 0xff)) || (count < 3 && (bits & 0xffff)))
		return -EINVAL;
	for (size_t i = 0; i + 1 < count; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return 0;
}

ssize_t base64_decode(void *out, const char *text, size_t len)
{
	uint8_t *to = out;
	ssize_t total = 0;

	if (len % 4 != 0)
		return -EINVAL;
	base64_fill_values();
	for (; len > 0; len -= 4, text += 4) {
		size_t count = 4;

		if (len == 4 && text[3] == '=')
			count = text[2] == '=' ? 2 : 3;
		if (base64_decode_group(to + total, text, count) < 0)
			return -EINVAL;
		total += (ssize_t)count - 1;
	}
	return total;
}
