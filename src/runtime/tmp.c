/* SPDX-License-Identifier: BSD-3-Clause */
#include "tmp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "processes.h"

#define TMP_ENTRIES_MAX 100000
#define TMP_OPEN	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Calls the function for each entry. The caller still owns `fd`. Stops at the first negative result and returns it. */
static int tmp_each_entry(int fd, int (*call)(int fd, const char *name, void *context), void *context)
{
	int copy = openat(fd, ".", TMP_OPEN), err = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	while (err >= 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			err = call(fd, entry->d_name, context);
	}
	closedir(dir);
	return err < 0 ? err : 0;
}

static int tmp_compare_inodes(const void *a, const void *b)
{
	const ino_t x = *(const ino_t *)a, y = *(const ino_t *)b;

	return x < y ? -1 : x > y;
}

static int tmp_snapshot_entry(int fd, const char *name, void *context)
{
	struct tmp *tmp = context;
	struct stat info;

	if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (tmp->count == TMP_ENTRIES_MAX)
		return -EFBIG;
	if ((tmp->count & (tmp->count - 1)) == 0) {
		ino_t *known = realloc(tmp->known, (tmp->count ? tmp->count * 2 : 1) * sizeof(*known));

		if (!known)
			return -ENOMEM;
		tmp->known = known;
	}
	tmp->known[tmp->count++] = info.st_ino;
	return 0;
}

static void tmp_close(struct tmp *tmp)
{
	free(tmp->known);
	if (tmp->fd >= 0)
		close(tmp->fd);
	*tmp = (struct tmp){.fd = -1};
}

void tmp_snapshot(struct tmp *ret_tmp)
{
	struct stat info;
	int err;

	*ret_tmp = (struct tmp){.fd = open("/tmp", TMP_OPEN)};
	err = ret_tmp->fd < 0 || fstat(ret_tmp->fd, &info) < 0 ? -errno : 0;
	if (err == 0) {
		ret_tmp->device = info.st_dev;
		err = tmp_each_entry(ret_tmp->fd, tmp_snapshot_entry, ret_tmp);
	}
	if (err < 0) {
		log_say("cannot list /tmp, so files made there will stay: %s", strerror(-err));
		tmp_close(ret_tmp);
		return;
	}
	if (ret_tmp->count > 0)
		qsort(ret_tmp->known, ret_tmp->count, sizeof(*ret_tmp->known), tmp_compare_inodes);
}

struct sweep {
	const struct tmp *tmp;
	bool look_only;
	size_t found, done; /* number of new entries in /tmp; number of removed or moved entries */
};

static bool tmp_is_ours(const struct tmp *tmp, const struct stat *info)
{
	return info->st_uid == geteuid() && info->st_dev == tmp->device;
}

/* Opens a directory of this user even if its mode forbids it, and makes it writable. */
static int tmp_open_directory(int parent, const char *name)
{
	char path[64];
	int handle = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd;

	if (handle < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	chmod(path, 0700);
	fd = openat(handle, ".", TMP_OPEN);
	if (fd < 0)
		fd = -errno;
	close(handle);
	return fd;
}

/*
 * A subdirectory is moved up into /tmp and removed from there later, so that deep trees need neither stack nor
 * descriptors.
 */
static int tmp_sweep_inner(int fd, const char *name, void *context)
{
	static unsigned int moved;
	struct sweep *sweep = context;
	struct stat info;
	char target[40];

	if (unlinkat(fd, name, 0) == 0) {
		sweep->done++;
		return 0;
	}
	if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(info.st_mode) ||
	    !tmp_is_ours(sweep->tmp, &info))
		return 0;
	snprintf(target, sizeof(target), ".vastfs-removed-%d-%u", (int)getpid(), moved++);
	/* Moving a directory also requires write permission for the directory itself. */
	close(tmp_open_directory(fd, name));
	if (renameat(fd, name, sweep->tmp->fd, target) == 0)
		sweep->done++;
	return 0;
}

static void tmp_sweep_directory(struct sweep *sweep, int parent, const char *name)
{
	int fd = tmp_open_directory(parent, name);

	if (fd < 0)
		return;
	tmp_each_entry(fd, tmp_sweep_inner, sweep);
	close(fd);
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		sweep->done++;
}

static int tmp_sweep_entry(int fd, const char *name, void *context)
{
	struct sweep *sweep = context;
	const struct tmp *tmp = sweep->tmp;
	struct stat info;

	if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !tmp_is_ours(tmp, &info))
		return 0;
	if (tmp->count > 0 && bsearch(&info.st_ino, tmp->known, tmp->count, sizeof(*tmp->known), tmp_compare_inodes))
		return 0;
	sweep->found++;
	if (sweep->look_only)
		return 0;
	if (S_ISDIR(info.st_mode))
		tmp_sweep_directory(sweep, fd, name);
	else if (unlinkat(fd, name, 0) == 0)
		sweep->done++;
	return 0;
}

static size_t tmp_count_new(const struct tmp *tmp)
{
	struct sweep sweep = {.tmp = tmp, .look_only = true};

	tmp_each_entry(tmp->fd, tmp_sweep_entry, &sweep);
	return sweep.found;
}

static void tmp_sweep_all(const struct tmp *tmp)
{
	struct sweep sweep;
	size_t left;

	do {
		sweep = (struct sweep){.tmp = tmp};
		tmp_each_entry(tmp->fd, tmp_sweep_entry, &sweep);
	} while (sweep.found > 0 && sweep.done > 0);
	left = tmp_count_new(tmp);
	if (left > 0)
		log_say("%zu new entries of /tmp could not be removed", left);
}

void tmp_restore(struct tmp *tmp)
{
	if (tmp->fd >= 0 && tmp_count_new(tmp) > 0) {
		if (processes_alone())
			tmp_sweep_all(tmp);
		else
			log_say("new files in /tmp are left there: other processes of this user may have made them");
	}
	tmp_close(tmp);
}
