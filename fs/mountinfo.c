/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/mountinfo.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Blanks and similar characters are encoded as a backslash and three octal digits. */
static void mountinfo_unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static bool mountinfo_is_owner(const char *options, uid_t owner)
{
	const char *at = strstr(options, "user_id=");

	return owner == (uid_t)-1 || (at && strtoul(at + strlen("user_id="), NULL, 10) == owner);
}

/* Parses for example "36 35 0:31 / /mnt rw,nosuid shared:1 - fuse.vastfs vastfs rw,user_id=0,group_id=0". */
int mountinfo_line(char *line, const char *path, uid_t owner, dev_t *ret_device)
{
	char *rest = strstr(line, " - "), *save, *point = NULL, *type, *field, *device = NULL;
	unsigned of_type, number;

	if (!rest)
		return -1;
	*rest = '\0';
	field = strtok_r(line, " ", &save);
	for (int i = 0; field; i++, field = strtok_r(NULL, " ", &save)) {
		if (i == 2)
			device = field;
		if (i == 4)
			point = field;
	}
	if (!point)
		return -1;
	mountinfo_unescape(point);
	if (strcmp(point, path) != 0)
		return -1;
	if (ret_device && sscanf(device, "%u:%u", &of_type, &number) == 2)
		*ret_device = makedev(of_type, number);
	type = strtok_r(rest + 3, " ", &save);
	return type && strcmp(type, "fuse.vastfs") == 0 && mountinfo_is_owner(save, owner);
}

bool mountinfo_is_ours(const char *path, uid_t owner, dev_t *ret_device)
{
	_cleanup_(fclose_cleanup) FILE *f = fopen("/proc/self/mountinfo", "re");
	_free_ char *line = NULL;
	size_t cap = 0;
	bool ours = false;

	while (f && getline(&line, &cap, f) > 0) {
		int r = mountinfo_line(line, path, owner, ret_device);

		if (r >= 0)
			ours = r == 1;
	}
	return ours;
}
