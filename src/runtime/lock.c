/* SPDX-License-Identifier: BSD-3-Clause */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Above the numbers that shell scripts use: `exec 3>file` would otherwise close the descriptor and release the lock. */
#define LOCK_LEAST_FD 100

int lock_open(struct lock *lock, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_CLOEXEC, 0644);

	*lock = (struct lock){.path = path, .fd = -1};
	if (fd < 0)
		return -errno;
	lock->fd = fcntl(fd, F_DUPFD, LOCK_LEAST_FD);
	if (lock->fd >= 0) {
		close(fd);
		return 0;
	}
	lock->fd = fd;
	return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* Returns 0 if the path still names the open file, or -ENOENT if it does not. */
static int lock_check_path(const struct lock *lock)
{
	struct stat open_file, named;

	if (fstat(lock->fd, &open_file) < 0)
		return -errno;
	if (stat(lock->path, &named) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	return open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino ? 0 : -ENOENT;
}

static void lock_read_holder(struct lock *lock)
{
	ssize_t n = pread(lock->fd, lock->holder, sizeof(lock->holder) - 1, 0);

	while (n > 0 && (lock->holder[n - 1] == '\n' || lock->holder[n - 1] == ' '))
		n--;
	lock->holder[n > 0 ? n : 0] = '\0';
}

/*
 * Writes one line of a fixed length, so that it overwrites a longer line completely. The line has reached the file
 * server when the function returns.
 */
static int lock_write_holder(const struct lock *lock)
{
	char line[LOCK_HOLDER_SIZE];
	int len = snprintf(line, sizeof(line), "%-*s\n", (int)sizeof(line) - 2, lock->holder);

	return pwrite(lock->fd, line, (size_t)len, 0) < 0 || fdatasync(lock->fd) < 0 ? -errno : 0;
}

static void lock_set_holder(struct lock *lock)
{
	char host[64] = "", when[32] = "";
	time_t now = time(NULL);
	struct tm utc;

	gethostname(host, sizeof(host) - 1);
	if (gmtime_r(&now, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(lock->holder, sizeof(lock->holder), "%s since %s", host, when);
}

/* Another file may have replaced this one while another server held the lock. */
static int lock_reopen(struct lock *lock)
{
	const char *path = lock->path;
	int err;

	close(lock->fd);
	err = lock_open(lock, path);
	return err < 0 ? err : -EAGAIN;
}

/* Other errors are unrelated to the lock: on a full disk the line cannot be written, but the lock is still held. */
static bool lock_is_lost_by(int err)
{
	return err == -EIO || err == -ESTALE || err == -ENOLCK || err == -EBADF || err == -ENOENT;
}

int lock_check(struct lock *lock)
{
	int err = lock_check_path(lock);

	if (lock_is_lost_by(err))
		return err;
	err = lock_write_holder(lock);
	return lock_is_lost_by(err) ? err : 0;
}

int lock_try(struct lock *lock)
{
	int err;

	if (flock(lock->fd, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EINTR ? EAGAIN : errno;
		if (err == EAGAIN)
			lock_read_holder(lock);
		return err == ESTALE ? lock_reopen(lock) : -err;
	}
	lock_set_holder(lock);
	err = lock_check(lock);
	return err == -ENOENT || err == -ESTALE ? lock_reopen(lock) : err;
}
