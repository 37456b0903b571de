/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replace.h - replaces the content of a file that belongs to the user.
 *
 * A symbolic link remains a link, and its target changes. The mode and the owner stay. The new content is written to a
 * temporary file beside the file, which is then renamed over it. The rename fails for a bind-mounted file and in a
 * directory without write permission, and it would break a hard link. In these cases the file is rewritten in place. A
 * record in a directory of vastfs makes that safe, because replace_recover() completes a rewrite that a crash
 * interrupted.
 *
 * Every function may block on the disk. The functions keep no state. The caller must not replace the same file on two
 * threads at once.
 */
#ifndef VASTFS_BASE_REPLACE_H
#define VASTFS_BASE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replaces the file, or makes it with mode 0600. record is the path of the record, if one is needed. Returns 0 or a
 * negative errno.
 */
int replace_file(const char *path, const void *data, size_t len, const char *record);

/*
 * Completes a rewrite that a crash interrupted. Call this function before the file is read. A file that was edited
 * since the crash is left alone. Returns 0 if there was nothing to do, 1 if the file was completed, or a negative
 * errno.
 */
int replace_recover(const char *path, const char *record);

/*
 * Returns whether torn is the state of a file after an interrupted rewrite from before to now, starting at the first
 * byte. Pure.
 */
bool replace_is_torn(const char *torn, size_t torn_len, const char *before, size_t before_len, const char *now,
		     size_t now_len);

#endif
