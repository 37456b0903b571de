/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replace.h - replacing the content of a file that belongs to a person, in whatever way the file is kept.
 *
 * A symbolic link stays one, and its target changes. Mode and owner stay. The new content is written beside the file
 * and renamed over it; where that cannot be done (a bind-mounted file, a directory that may not be written) or would
 * break a hard link, the file is rewritten in place, and a record in a directory of our own makes that safe: what a
 * crash leaves half written is completed by replace_recover().
 *
 * Every function may block on the disk.
 */
#ifndef VASTFS_BASE_REPLACE_H
#define VASTFS_BASE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Replaces the file or makes it (mode 0600). record: where the record goes if one is needed. 0 or a negative errno. */
int replace_file(const char *path, const void *data, size_t len, const char *record);

/*
 * Before the file is read: completes what a crash has left. A file that somebody has edited since is left alone. 0 if
 * nothing was to be done, 1 if the file was completed, or a negative errno.
 */
int replace_recover(const char *path, const char *record);

/* Whether torn is what is left when now is being written over before, from the beginning, and is cut short. Pure. */
bool replace_is_torn(const char *torn, size_t torn_len, const char *before, size_t before_len, const char *now,
		     size_t now_len);

#endif
