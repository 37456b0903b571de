/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - reads and writes whole small files. Blocks on the disk; any thread.
 */
#ifndef VASTFS_BASE_FILE_H
#define VASTFS_BASE_FILE_H

#include "base/buf.h"

#include <sys/stat.h>

/*
 * Opens a regular file for reading. Other kinds of files are not opened, so the function never blocks on them: -EISDIR
 * a directory, -EINVAL a FIFO, device or socket; else the errno of open.
 */
int file_open_regular(const char *path);

/* As file_open_regular(), but also opens /dev/null, which users name to disable a file. */
int file_open_regular_or_null(const char *path);

/* Appends the whole file, a regular one. Negative errno of open or read, -EFBIG over the buffer's maximum. */
int file_read(const char *path, struct buf *out);
int file_read_fd(int fd, struct buf *out);

/* The message for an errno of these functions. */
const char *file_explain(int errnum);

/*
 * Replaces or creates the file, mode 0600: writes a temporary file beside it, fsync, rename, fsync of the directory.
 * After any failure (a full disk) the old file is unchanged and the temporary file removed.
 */
int file_write_atomically(const char *path, const void *data, size_t len);

/*
 * The same, and the file gets the mode, the owner and, if the process may set it, the group of old. -EPERM if another
 * user owns old and the process may not give files away. NULL: mode 0600 and the owner of the process.
 */
int file_write_atomically_as(const char *path, const void *data, size_t len, const struct stat *old);

/* Writes all of the data and waits until it is on disk. Negative errno. */
int file_write_all(int fd, const char *data, size_t len);
/* Makes the names in the directory of path durable, as far as the file system can. */
void file_sync_directory(const char *path);

/* Makes a directory and its missing parents, mode 0700. */
int file_make_directories(const char *path);

#endif
