/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - small files, whole.
 */
#ifndef VASTFS_BASE_FILE_H
#define VASTFS_BASE_FILE_H

#include "base/buf.h"

/*
 * Opens a regular file for reading. Never waits and never disturbs what is something else: -EISDIR a directory, -EINVAL
 * a FIFO, device or socket; else the errno of open.
 */
int file_open_regular(const char *path);

/* The same, for files that people leave out by naming /dev/null. */
int file_open_regular_or_null(const char *path);

/* Appends the whole file, a regular one. Negative errno of open or read, -EFBIG over the buffer's maximum. */
int file_read(const char *path, struct buf *out);
int file_read_fd(int fd, struct buf *out);

/* What an errno of these means, for people. */
const char *file_explain(int errnum);

/*
 * Replaces the file or makes it, mode 0600: writes a temporary neighbour, fsync, rename, fsync of the directory. On any
 * failure (a full disk) the old file is untouched and the neighbour removed.
 */
int file_write_atomically(const char *path, const void *data, size_t len);

/* Makes a directory and its missing parents, mode 0700. */
int file_make_directories(const char *path);

#endif
