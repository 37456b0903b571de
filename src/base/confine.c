/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/confine.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static struct rlimit usual;
static bool confined;

void confine_process(void)
{
	struct rlimit none;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_CORE, &usual) < 0)
		return;
	confined = true;
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = usual.rlim_max};
	setrlimit(RLIMIT_CORE, &none);
}

void confine_end(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (confined)
		setrlimit(RLIMIT_CORE, &usual);
	confined = false;
}

void confine_not_child(pid_t child)
{
	if (confined)
		prlimit(child, RLIMIT_CORE, &usual, NULL);
}
