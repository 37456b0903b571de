/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/journal_file.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

int journal_file_init(struct journal_file *f, const char *dir)
{
	*f = (struct journal_file){.dir = strdup(dir), .fd = -1};
	if (!f->dir || asprintf(&f->path, "%s/journal.jsonl", dir) < 0) {
		f->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void journal_file_close(struct journal_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void journal_file_free(struct journal_file *f)
{
	journal_file_close(f);
	free(f->dir);
	free(f->path);
}

int journal_file_open(struct journal_file *f)
{
	struct stat st;

	f->fd = open(f->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st) < 0) {
		int r = -errno;

		journal_file_close(f);
		return r;
	}
	f->size = st.st_size;
	return 0;
}

/* Compares also the size: a truncated or replaced file lacks records. */
bool journal_file_is_ready(struct journal_file *f)
{
	struct stat named, opened;

	if (f->fd < 0)
		return false;
	if (fstat(f->fd, &opened) == 0 && stat(f->path, &named) == 0 && opened.st_dev == named.st_dev &&
	    opened.st_ino == named.st_ino && opened.st_size == f->size)
		return true;
	journal_file_close(f);
	return false;
}

static int journal_file_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int journal_file_append(struct journal_file *f, const char *text, size_t len)
{
	int r = journal_file_write(f->fd, text, len);

	if (r == 0)
		f->size += (off_t)len;
	else if (ftruncate(f->fd, f->size) < 0)
		journal_file_close(f);
	return r;
}

int journal_file_replace(struct journal_file *f, const char *text, size_t len, bool durable)
{
	_free_ char *temporary = NULL;
	_close_ int fd = -1;
	int r = file_make_directories(f->dir);

	if (r < 0)
		return r;
	if (asprintf(&temporary, "%s.new", f->path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = journal_file_write(fd, text, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, f->path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	journal_file_close(f);
	f->fd = fd;
	fd = -1;
	f->size = (off_t)len;
	f->renamed = true;
	return 0;
}

/* A hard link is used if the file system supports it, so that the file always has a name. */
int journal_file_keep(const struct journal_file *f)
{
	_free_ char *name = NULL;

	if (asprintf(&name, "%s.damaged-%" PRId64, f->path, clock_wall_ms()) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	return link(f->path, name) == 0 || rename(f->path, name) == 0 ? 0 : -errno;
}

int journal_file_begin_sync(struct journal_file *f, int *ret_directory)
{
	int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);

	*ret_directory = -1;
	if (fd < 0)
		return -errno;
	if (f->renamed)
		*ret_directory = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->renamed = false;
	return fd;
}

int journal_file_fsync(int fd, int directory)
{
	_close_ int file = fd;
	_close_ int dir = directory;

	if (fsync(file) < 0 || (dir >= 0 && fsync(dir) < 0))
		return -errno;
	return 0;
}
