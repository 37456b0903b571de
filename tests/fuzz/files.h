/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * files.h - gives parsers that read a file a directory in memory, which is removed when the target ends.
 */
#ifndef VASTFS_TESTS_FUZZ_FILES_H
#define VASTFS_TESTS_FUZZ_FILES_H

#include "fuzz.h"

#include <ftw.h>
#include <limits.h>
#include <unistd.h>

static char files_directory[PATH_MAX];

static int files_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void files_remove_all(void)
{
	nftw(files_directory, files_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The directory, which is created by the first call. */
static inline const char *files_here(void)
{
	if (*files_directory)
		return files_directory;
	snprintf(files_directory, sizeof(files_directory), "%s/vastfs-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fuzz_require(mkdtemp(files_directory));
	atexit(files_remove_all);
	return files_directory;
}

/* Replaces the content of a file of that directory. */
static inline void files_put(const char *name, const void *data, size_t len)
{
	char path[PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", files_here(), name);
	f = fopen(path, "w");
	fuzz_require(f && fwrite(data, 1, len, f) == len && fclose(f) == 0);
}

#endif
