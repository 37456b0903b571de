/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int file_check_kind(const struct stat *st, bool null_is_fine)
{
	if (S_ISREG(st->st_mode) || (null_is_fine && S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3)))
		return 0;
	return S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
}

/* The type is checked before the open, because opening a FIFO or a device has effects, and after it, because the file
 * may have been replaced. */
static int file_open_kind(const char *path, bool null_is_fine)
{
	_close_ int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return -errno;
	r = file_check_kind(&st, null_is_fine);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = file_check_kind(&st, null_is_fine);
	if (r < 0)
		return r;
	r = fd;
	fd = -1;
	return r;
}

int file_open_regular(const char *path)
{
	return file_open_kind(path, false);
}

int file_open_regular_or_null(const char *path)
{
	return file_open_kind(path, true);
}

const char *file_explain(int errnum)
{
	switch (errnum) {
	case -EISDIR:
		return "it is a directory";
	case -EINVAL:
		return "it is a FIFO, a device or a socket, not a regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return strerror(-errnum);
	}
}

int file_read_fd(int fd, struct buf *out)
{
	char piece[8192];
	ssize_t n;
	int r;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = buf_append(out, piece, (size_t)n);
		if (r < 0)
			return r;
	}
	return 0;
}

int file_read(const char *path, struct buf *out)
{
	_close_ int fd = file_open_regular(path);

	return fd < 0 ? fd : file_read_fd(fd, out);
}

int file_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

void file_sync_directory(const char *path)
{
	_free_ char *copy = strdup(path);
	_close_ int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0)
		(void)fsync(fd);
}

/* If the user is not a member of the file's group, at least the owner and the mode are kept. */
static int file_copy_owner(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) < 0 && old->st_uid != geteuid())
		return -EPERM;
	return fchmod(fd, old->st_mode & 07777) < 0 ? -errno : 0;
}

int file_write_atomically_as(const char *path, const void *data, size_t len, const struct stat *old)
{
	_free_ char *temporary = NULL;
	_close_ int fd = -1;
	int r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = old ? file_copy_owner(fd, old) : 0;
	if (r == 0)
		r = file_write_all(fd, data, len);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	file_sync_directory(path);
	return 0;
}

int file_write_atomically(const char *path, const void *data, size_t len)
{
	return file_write_atomically_as(path, data, len, NULL);
}

int file_make_directories(const char *path)
{
	_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}
