/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/replace.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAX (4 << 20) /* bytes of a record, which contains two texts */

/* -- the place of the file ------------------------------------------------------------------------------------- */

/* Returns the path behind all symbolic links. The last link may lead to a file that does not exist yet. */
static char *replace_resolve(const char *path)
{
	char *resolved = realpath(path, NULL), target[PATH_MAX];
	_free_ char *copy = NULL;
	_free_ char *there = NULL;
	ssize_t n;

	if (resolved || errno != ENOENT)
		return resolved;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return strdup(path);
	target[n] = '\0';
	copy = strdup(path);
	if (!copy || asprintf(&there, "%s/%s", *target == '/' ? "" : dirname(copy), target) < 0) {
		there = NULL;
		return NULL;
	}
	return move_ptr(there);
}

/* Returns whether the directory, and not the disk or the file, caused the error. */
static bool replace_needs_place(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS || r == -EBUSY || r == -EXDEV;
}

/* -- rewriting in place ---------------------------------------------------------------------------------------- */

/* The record is "<bytes of the old text>\n<old text><new text>". */
static int replace_write_record(const struct buf *old, const void *data, size_t len, const char *record)
{
	_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	int r = buf_printf(&text, "%zu\n", old->len);

	if (r == 0)
		r = buf_append(&text, buf_str(old), old->len);
	if (r == 0)
		r = buf_append(&text, data, len);
	return r < 0 ? r : file_write_atomically(record, buf_str(&text), text.len);
}

/* The disk space is allocated first, because a full disk must not leave an incomplete text. */
static int replace_overwrite(int fd, const void *data, size_t len)
{
	int r;

	if (len && posix_fallocate(fd, 0, (off_t)len) == ENOSPC)
		return -ENOSPC;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = file_write_all(fd, data, len);
	if (r == 0 && ftruncate(fd, (off_t)len) < 0)
		r = -errno;
	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

/* A file that cannot be opened must leave no record, with which a later start would complete a refused change. */
static int replace_in_place(const char *path, const void *data, size_t len, const char *record)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	_buf_ struct buf old = BUF_INIT(RECORD_MAX);
	int r = fd < 0 ? -errno : file_read(path, &old);

	if (r == 0)
		r = replace_write_record(&old, data, len, record);
	if (r < 0)
		return r;
	r = replace_overwrite(fd, data, len);
	if (r < 0 && replace_overwrite(fd, buf_str(&old), old.len) < 0)
		return r; /* the record still has both texts */
	unlink(record);
	return r;
}

int replace_file(const char *path, const void *data, size_t len, const char *record)
{
	_free_ char *place = replace_resolve(path);
	struct stat old;
	bool there;
	int r;

	if (!place)
		return -errno;
	there = stat(place, &old) == 0;
	if (there && old.st_nlink > 1)
		return replace_in_place(place, data, len, record);
	r = file_write_atomically_as(place, data, len, there ? &old : NULL);
	return there && replace_needs_place(r) ? replace_in_place(place, data, len, record) : r;
}

/* -- after a crash --------------------------------------------------------------------------------------------- */

static size_t replace_common(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n = 0;

	while (n < a_len && n < b_len && a[n] == b[n])
		n++;
	return n;
}

bool replace_is_torn(const char *torn, size_t torn_len, const char *before, size_t before_len, const char *now,
		     size_t now_len)
{
	size_t n = replace_common(torn, torn_len, now, now_len);

	if (torn_len != (n > before_len ? n : before_len))
		return false;
	return n >= before_len || memcmp(torn + n, before + n, before_len - n) == 0;
}

static int replace_complete(const char *path, const struct buf *record)
{
	_buf_ struct buf torn = BUF_INIT(RECORD_MAX);
	char *end;
	size_t before = strtoul(buf_str(record), &end, 10), head = (size_t)(end - buf_str(record)) + 1;
	_close_ int fd = -1;
	const char *now;
	int r;

	if (*end != '\n' || before > record->len - head)
		return 0; /* the record is invalid */
	now = buf_str(record) + head + before;
	r = file_read(path, &torn);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!replace_is_torn(buf_str(&torn), torn.len, buf_str(record) + head, before, now,
			     record->len - head - before))
		return 0;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	r = fd < 0 ? -errno : replace_overwrite(fd, now, record->len - head - before);
	return r < 0 ? r : 1;
}

int replace_recover(const char *path, const char *record)
{
	_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	_free_ char *place = NULL;
	int r = file_read(record, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	place = replace_resolve(path);
	if (!place)
		return -errno;
	r = replace_complete(place, &text);
	if (r >= 0)
		unlink(record);
	return r;
}
