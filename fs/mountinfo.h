/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mountinfo.h - /proc/self/mountinfo (proc(5)), as far as it tells of vastfs.
 */
#ifndef VASTFS_FS_MOUNTINFO_H
#define VASTFS_FS_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Whether the last mount on path (absolute, real) is a vastfs, of this user; (uid_t)-1: of anybody. ret_device (may be
 * NULL) gets what stat() says of it as st_dev, without asking the mount.
 */
bool mountinfo_is_ours(const char *path, uid_t owner, dev_t *ret_device);

/* One line, which is cut up. 1: a vastfs on path, of owner; 0: another mount on path; -1: another path. */
int mountinfo_line(char *line, const char *path, uid_t owner, dev_t *ret_device);

#endif
