/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/cidr.h"

static uint32_t cidr_mask(unsigned prefix)
{
	return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

static uint64_t cidr_size(unsigned prefix)
{
	return UINT64_C(1) << (32 - prefix);
}

/*
 * A decimal number of at most `most`, without sign or leading zeros (some parsers read numbers with leading zeros as
 * octal).
 */
static int cidr_parse_number(const char **text, unsigned most, unsigned *ret)
{
	const char *p = *text;
	unsigned n = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (unsigned)(*p - '0');
		if (n > most)
			return -EINVAL;
	}
	*text = p;
	*ret = n;
	return 0;
}

static int cidr_parse_block(const char *text, uint32_t *address, unsigned *prefix)
{
	*address = 0;
	for (int i = 0; i < 4; i++) {
		unsigned byte;

		if (cidr_parse_number(&text, 255, &byte) < 0 || *text++ != (i < 3 ? '.' : '/'))
			return -EINVAL;
		*address = *address << 8 | byte;
	}
	return cidr_parse_number(&text, 32, prefix) < 0 || *text ? -EINVAL : 0;
}

int cidr_parse(const char *text, struct cidr *ret, struct error *err)
{
	char right[CIDR_TEXT_SIZE];
	uint32_t address;
	unsigned prefix;

	if (cidr_parse_block(text, &address, &prefix) < 0)
		return error_set(err, -EINVAL, "%.40s is not a block of IPv4 addresses like 10.0.1.0/24", text);
	*ret = (struct cidr){address & cidr_mask(prefix), prefix};
	if (ret->address != address)
		return error_set(err, -EINVAL,
				 "%s does not start at a multiple of its size; the block that contains it is %s", text,
				 cidr_format(ret, right));
	return 0;
}

char *cidr_format(const struct cidr *c, char text[static CIDR_TEXT_SIZE])
{
	snprintf(text, CIDR_TEXT_SIZE, "%u.%u.%u.%u/%u", c->address >> 24, c->address >> 16 & 255,
		 c->address >> 8 & 255, c->address & 255, c->prefix);
	return text;
}

bool cidr_equal(const struct cidr *a, const struct cidr *b)
{
	return a->address == b->address && a->prefix == b->prefix;
}

bool cidr_contains(const struct cidr *outer, const struct cidr *inner)
{
	return outer->prefix <= inner->prefix && (inner->address & cidr_mask(outer->prefix)) == outer->address;
}

bool cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
	return cidr_contains(a, b) || cidr_contains(b, a);
}

void cidr_halves(const struct cidr *whole, struct cidr *ret_lower, struct cidr *ret_upper)
{
	unsigned prefix = whole->prefix + 1;

	*ret_lower = (struct cidr){whole->address, prefix};
	*ret_upper = (struct cidr){whole->address + (uint32_t)cidr_size(prefix), prefix};
}

static const struct cidr *cidr_find_overlap(struct cidr_list taken, const struct cidr *c)
{
	for (size_t i = 0; i < taken.count; i++)
		if (cidr_overlaps(&taken.blocks[i], c))
			return &taken.blocks[i];
	return NULL;
}

static size_t cidr_find_free_in(const struct cidr *outer, struct cidr_list taken, unsigned prefix, struct cidr *ret,
				size_t max)
{
	uint64_t step = cidr_size(prefix), end = outer->address + cidr_size(outer->prefix);
	uint64_t at = outer->address;
	size_t found = 0;

	while (found < max && at + step <= end) {
		struct cidr candidate = {(uint32_t)at, prefix};
		const struct cidr *in_the_way = cidr_find_overlap(taken, &candidate);

		/* Two blocks overlap only if one contains the other: the end of the larger is a multiple of step. */
		if (in_the_way && in_the_way->prefix < prefix) {
			at = in_the_way->address + cidr_size(in_the_way->prefix);
			continue;
		}
		if (!in_the_way)
			ret[found++] = candidate;
		at += step;
	}
	return found;
}

size_t cidr_find_free(struct cidr_list within, struct cidr_list taken, unsigned prefix, struct cidr *ret, size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < within.count; i++)
		if (within.blocks[i].prefix <= prefix)
			found += cidr_find_free_in(&within.blocks[i], taken, prefix, ret + found, max - found);
	return found;
}
