/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cidr.h - blocks of IPv4 addresses: the arithmetic behind subnet_cidr. Pure; any thread; nothing is allocated.
 */
#ifndef VASTFS_STACK_CIDR_H
#define VASTFS_STACK_CIDR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cidr {
	uint32_t address; /* host byte order; bits beyond the prefix are zero */
	unsigned prefix;  /* 0..32 */
};

#define CIDR_TEXT_SIZE 19 /* "255.255.255.255/32" and a NUL */

/*
 * -EINVAL with a message: not a.b.c.d/n, or bits are set beyond the prefix (the message then names the enclosing
 * block).
 */
int cidr_parse(const char *text, struct cidr *ret, struct error *err);

/* Writes the block to text and returns text. */
char *cidr_format(const struct cidr *c, char text[static CIDR_TEXT_SIZE]);

bool cidr_equal(const struct cidr *a, const struct cidr *b);
bool cidr_contains(const struct cidr *outer, const struct cidr *inner);
bool cidr_overlaps(const struct cidr *a, const struct cidr *b);

/* A block's two halves; prefix must be below 32. */
void cidr_halves(const struct cidr *whole, struct cidr *ret_lower, struct cidr *ret_upper);

struct cidr_list {
	const struct cidr *blocks;
	size_t count;
};

/*
 * Fills ret with the first blocks of that prefix length that lie inside a block of `within` and overlap no block of
 * `taken`. The blocks of `within` are searched in turn, from their lowest address. Returns their number, at most max.
 */
size_t cidr_find_free(struct cidr_list within, struct cidr_list taken, unsigned prefix, struct cidr *ret, size_t max);

#endif
