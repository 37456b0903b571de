/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/watchers.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#define INOTIFY_LINK "anon_inode:inotify"

/* Encodes a device as the kernel prints it in fdinfo: with 12 + 20 bits, unlike stat(2). */
static unsigned watchers_device(dev_t device)
{
	return major(device) << 20 | minor(device);
}

bool watchers_line(const char *line, dev_t device, uint64_t *ret_inode)
{
	unsigned on;

	return sscanf(line, "inotify wd:%*x ino:%" SCNx64 " sdev:%x", ret_inode, &on) == 2 &&
	       on == watchers_device(device);
}

static int watchers_add(struct watchers *w, uint64_t inode)
{
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		uint64_t *more = reallocarray(w->inodes, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->inodes = more;
		w->room = room;
	}
	w->inodes[w->n++] = inode;
	return 0;
}

static int watchers_read(struct watchers *w, int process, const char *descriptor, dev_t device)
{
	char name[64], *line = NULL;
	size_t room = 0;
	uint64_t inode;
	int r = 0, fd;
	FILE *f;

	snprintf(name, sizeof(name), "fdinfo/%s", descriptor);
	fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f) {
		fd_cleanup(&fd);
		return 0;
	}
	while (r == 0 && getline(&line, &room, f) > 0)
		if (watchers_line(line, device, &inode))
			r = watchers_add(w, inode);
	free(line);
	fclose(f);
	return r;
}

static bool watchers_is_inotify(int directory, const char *descriptor)
{
	char target[sizeof(INOTIFY_LINK)];
	ssize_t n = readlinkat(directory, descriptor, target, sizeof(target));

	return n == (ssize_t)strlen(INOTIFY_LINK) && memcmp(target, INOTIFY_LINK, strlen(INOTIFY_LINK)) == 0;
}

/* A process of another user cannot be opened, nor can a process that has just ended. */
static int watchers_of_process(struct watchers *w, int proc, const char *pid, dev_t device)
{
	_close_ int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = process < 0 ? -1 : openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *all = fd < 0 ? NULL : fdopendir(fd);

	if (!all) {
		fd_cleanup(&fd);
		return 0;
	}
	for (const struct dirent *e; r == 0 && (e = readdir(all));)
		if (isdigit((unsigned char)*e->d_name) && watchers_is_inotify(fd, e->d_name))
			r = watchers_read(w, process, e->d_name, device);
	closedir(all);
	return r;
}

static int watchers_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int watchers_find(struct watchers *w, dev_t device)
{
	DIR *proc = opendir("/proc");
	int r = 0;

	w->n = 0;
	if (!proc) {
		w->unknown = true;
		return 0;
	}
	for (const struct dirent *e; r == 0 && (e = readdir(proc));)
		if (isdigit((unsigned char)*e->d_name))
			r = watchers_of_process(w, dirfd(proc), e->d_name, device);
	closedir(proc);
	if (w->n)
		qsort(w->inodes, w->n, sizeof(*w->inodes), watchers_compare);
	return r;
}

void watchers_free(struct watchers *w)
{
	free(w->inodes);
	*w = (struct watchers){0};
}

bool watchers_any(const struct watchers *w)
{
	return w->unknown || w->n;
}

bool watchers_has(const struct watchers *w, uint64_t inode)
{
	return w->unknown || (w->n && bsearch(&inode, w->inodes, w->n, sizeof(*w->inodes), watchers_compare));
}
