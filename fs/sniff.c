/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sniff.h"

#include "base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const sniffers[] = {
	/* Dolphin and the KIO workers of KDE */
	"dolphin",
	"kioslave5",
	"kioworker",
	"kiod5",
	"kiod6",
	/* indexers and thumbnailers */
	"baloo_file",
	"baloo_file_extractor",
	"tracker-extract",
	"tracker-extract-3",
	"tracker-miner-fs-3",
	"localsearch-3",
	"localsearch-extractor-3",
	"gvfsd-metadata",
	"tumblerd",
	"updatedb",
	"updatedb.plocate",
	"updatedb.mlocate",
	/*
	 * Viewers and editors with one thread. Their window would not open, or would not react, until the job has
	 * ended.
	 */
	"mousepad",
	"featherpad",
	"geany",
	"l3afpad",
	"leafpad",
	"pluma",
	"xed",
	"kwrite",
	"kate",
	"mc",
	"mcview",
	"mcedit",
	"lf",
};

/* Programs that contain many programs and select one by the name under which they are called. */
static const char *const multicalls[] = {"coreutils", "busybox"};

static const char *const shells[] = {"bash", "dash", "zsh", "fish", "sh", "ksh", "ksh93", "mksh", "yash"};

static bool sniff_is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool sniff_is_multicall(const char *name)
{
	return sniff_is_one_of(name, multicalls, ARRAY_SIZE(multicalls));
}

static const char *sniff_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool sniff_is_listed(const char *program)
{
	return sniff_is_one_of(program, sniffers, ARRAY_SIZE(sniffers));
}

/* Returns false if the thread does not exist or belongs to another user. */
static bool sniff_executable(pid_t tid, char program[static PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	n = tid > 0 ? readlink(link, program, PATH_MAX - 1) : -1;
	program[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool sniff_is_sniffer(pid_t tid)
{
	char program[PATH_MAX];

	return sniff_executable(tid, program) && sniff_is_listed(sniff_base(program));
}

bool sniff_is_shell(pid_t tid)
{
	char program[PATH_MAX];

	return sniff_executable(tid, program) && sniff_is_one_of(sniff_base(program), shells, ARRAY_SIZE(shells));
}

bool sniff_command_is(const char *command, size_t len, const char *wanted)
{
	const char *name = sniff_base(command), *next = command + strlen(command) + 1;

	if (sniff_is_multicall(name) && next < command + len)
		name = sniff_base(next);
	return strcmp(name, wanted) == 0;
}

/* The executable is compared first, because a process can write into its command line whatever it likes. */
static bool sniff_runs(pid_t tid, const char *wanted)
{
	char program[PATH_MAX], path[64], command[512] = "";
	_cleanup_(fclose_cleanup) FILE *f = NULL;
	size_t n;

	if (!sniff_executable(tid, program) ||
	    (!sniff_is_multicall(sniff_base(program)) && strcmp(sniff_base(program), wanted) != 0))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)tid);
	f = fopen(path, "re");
	n = f ? fread(command, 1, sizeof(command) - 1, f) : 0;
	command[n] = '\0';
	return sniff_command_is(command, n, wanted);
}

/*
 * uutils' cat splices, and so do others. A cat that does not splice, such as GNU's, is not affected by a size, so all
 * count as splicing.
 */
bool sniff_is_splicing_cat(pid_t tid)
{
	return sniff_runs(tid, "cat");
}

bool sniff_is_touch(pid_t tid)
{
	return sniff_runs(tid, "touch");
}
