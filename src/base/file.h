/*
 * file.h - small files, whole.
 */
#ifndef VASTFS_BASE_FILE_H
#define VASTFS_BASE_FILE_H

#include "base/buf.h"

/* Appends the whole file. Negative errno of open or read, -EFBIG over the buffer's maximum. */
int file_read(const char *path, struct buf *out);

/*
 * Replaces the file or makes it, mode 0600: writes a temporary neighbour, fsync, rename, fsync of the directory. On any
 * failure (a full disk) the old file is untouched and the neighbour removed.
 */
int file_write_atomically(const char *path, const void *data, size_t len);

/* Makes a directory and its missing parents, mode 0700. */
int file_make_directories(const char *path);

#endif
