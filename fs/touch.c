/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/touch.h"

#include "base/cleanup.h"

#include <fuse_lowlevel.h>
#include <stdio.h>

#define NOW_WITHIN_NS INT64_C(2000000000)

/* Returns the process of a thread, or the ID of the thread itself if the process cannot be found. */
static pid_t touch_process(pid_t tid)
{
	_cleanup_(fclose_cleanup) FILE *f = NULL;
	char path[32], line[256];
	int process;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			return process;
	return tid;
}

void touch_add_writer(struct touch_writers *w, pid_t tid, uint64_t inode)
{
	w->last[w->next].process = touch_process(tid);
	w->last[w->next].inode = inode;
	w->next = (w->next + 1) % TOUCH_WRITERS;
}

bool touch_is_writer(const struct touch_writers *w, pid_t tid, uint64_t inode)
{
	pid_t process = touch_process(tid);

	for (unsigned i = 0; i < TOUCH_WRITERS; i++)
		if (w->last[i].process == process && w->last[i].inode == inode)
			return true;
	return false;
}

static int64_t touch_distance_ns(struct timespec a, struct timespec b)
{
	int64_t seconds;

	if (__builtin_sub_overflow((int64_t)a.tv_sec, (int64_t)b.tv_sec, &seconds) || seconds > 10 || seconds < -10)
		return INT64_MAX;
	seconds = seconds * 1000000000 + a.tv_nsec - b.tv_nsec;
	return seconds < 0 ? -seconds : seconds;
}

static bool touch_is_now_with_access(const struct stat *attr, int what, struct timespec now, struct timespec access)
{
	int both = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;

	return (what & both) == both && !(what & (FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)) &&
	       touch_distance_ns(attr->st_atim, access) == 0 && touch_distance_ns(attr->st_mtim, now) <= NOW_WITHIN_NS;
}

bool touch_is_explicit_now(const struct stat *attr, int what, struct timespec now)
{
	return touch_is_now_with_access(attr, what, now, attr->st_mtim);
}

bool touch_keeps_access_time(const struct stat *attr, int what, struct timespec now, struct timespec shown)
{
	return touch_is_now_with_access(attr, what, now, shown);
}
