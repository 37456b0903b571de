/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/picture/slots.h"

#include <errno.h>
#include <string.h>

static const struct slot *slots_find(const struct slot *slots, const char *name, size_t len)
{
	for (; slots->name; slots++)
		if (strlen(slots->name) == len && memcmp(slots->name, name, len) == 0)
			return slots;
	return NULL;
}

int slots_fill(const char *template, const struct slot *slots, const struct picture *p, struct buf *out)
{
	const char *open;

	while ((open = strstr(template, "{{"))) {
		const char *name = open + 2, *end = strstr(name, "}}");
		const struct slot *slot = end ? slots_find(slots, name, (size_t)(end - name)) : NULL;

		if (!slot)
			return -EINVAL;
		buf_append(out, template, (size_t)(open - template));
		slot->put(p, out);
		template = end + 2;
	}
	buf_puts(out, template);
	return out->error;
}
