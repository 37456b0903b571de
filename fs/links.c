/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/links.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void links_expire(struct links *l)
{
	int64_t now = clock_monotonic_ms();

	for (int i = 0; i < LINKS_MAX; i++)
		if (l->all[i].made_ms && now - l->all[i].made_ms > LINKS_KEEP_MS)
			l->all[i].made_ms = 0;
}

int links_add(struct links *l, const char *name, const char *target)
{
	links_expire(l);
	if (strlen(name) >= sizeof(l->all[0].name) || strlen(target) >= sizeof(l->all[0].target))
		return -ENAMETOOLONG;
	for (int i = 0; i < LINKS_MAX; i++) {
		if (l->all[i].made_ms)
			continue;
		snprintf(l->all[i].name, sizeof(l->all[i].name), "%s", name);
		snprintf(l->all[i].target, sizeof(l->all[i].target), "%s", target);
		l->all[i].made_ms = clock_monotonic_ms();
		return 0;
	}
	return -ENOSPC;
}

const char *links_target(struct links *l, const char *name)
{
	links_expire(l);
	for (int i = 0; i < LINKS_MAX; i++)
		if (l->all[i].made_ms && strcmp(l->all[i].name, name) == 0)
			return l->all[i].target;
	return NULL;
}

void links_remove(struct links *l, const char *name)
{
	for (int i = 0; i < LINKS_MAX; i++)
		if (l->all[i].made_ms && strcmp(l->all[i].name, name) == 0)
			l->all[i].made_ms = 0;
}

int links_list(struct links *l, int (*each)(void *arg, const char *name), void *arg)
{
	int r = 0;

	links_expire(l);
	for (int i = 0; i < LINKS_MAX && r >= 0; i++)
		if (l->all[i].made_ms)
			r = each(arg, l->all[i].name);
	return r;
}
