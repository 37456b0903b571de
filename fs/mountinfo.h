/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mountinfo.h - finds vastfs mounts in /proc/self/mountinfo (proc(5)). The functions keep no state, so any thread may
 * call them.
 */
#ifndef VASTFS_FS_MOUNTINFO_H
#define VASTFS_FS_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Returns whether the last mount on path (an absolute, resolved path) is a vastfs of this user. With owner (uid_t)-1,
 * the user does not matter. ret_device, which may be NULL, gets the st_dev that stat() would report, but the mount
 * receives no request.
 */
bool mountinfo_is_ours(const char *path, uid_t owner, dev_t *ret_device);

/*
 * Parses one line and modifies it. Returns 1 for a vastfs of owner on path, 0 for another mount on path, and -1 for a
 * mount on another path.
 */
int mountinfo_line(char *line, const char *path, uid_t owner, dev_t *ret_device);

#endif
