/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/sniff.h"

#include "base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const sniffers[] = {
	"dolphin",
	"kioslave5",
	"kioworker",
	"kiod5",
	"kiod6",
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
};

bool sniff_is_listed(const char *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(sniffers); i++)
		if (strcmp(sniffers[i], program) == 0)
			return true;
	return false;
}

bool sniff_is_sniffer(pid_t tid)
{
	char link[64], program[PATH_MAX];
	const char *base;
	ssize_t n;

	if (tid <= 0)
		return false;
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	n = readlink(link, program, sizeof(program) - 1);
	if (n <= 0)
		return false;
	program[n] = '\0';
	base = strrchr(program, '/');
	return sniff_is_listed(base ? base + 1 : program);
}
