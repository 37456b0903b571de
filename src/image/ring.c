/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/ring.h"

#include <string.h>

void ring_put(struct ring *r, const void *data, size_t len)
{
	size_t end = (r->at + r->len) % RING_SIZE, first = RING_SIZE - end;

	if (first > len)
		first = len;
	memcpy(r->data + end, data, first);
	memcpy(r->data, (const char *)data + first, len - first);
	r->len += len;
}

size_t ring_get(struct ring *r, void *out, size_t len)
{
	size_t n = r->len < len ? r->len : len;

	if (n > RING_SIZE - r->at)
		n = RING_SIZE - r->at;
	memcpy(out, r->data + r->at, n);
	r->at = (r->at + n) % RING_SIZE;
	r->len -= n;
	return n;
}
