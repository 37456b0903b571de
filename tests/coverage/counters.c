/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the runtime that contrib/coverage measures, which is linked with --wrap for these functions. The runtime ends
 * by _exit() in the handler of SIGTERM, which would lose its counters. Before it executes a command, gcc's library
 * writes them too; if it cannot in a container, its message must not be taken for the command's.
 */
#include <gcov.h>
#include <stdlib.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real___gcov_execve(const char *path, char *const *argv, char *const *environment);
int __wrap___gcov_execve(const char *path, char *const *argv, char *const *environment);

/* The variable is not in the environment of the command, which the caller has passed. */
static void counters_be_quiet(void)
{
	setenv("GCOV_ERROR_FILE", "/dev/null", 1);
}

_Noreturn void __wrap__exit(int status)
{
	counters_be_quiet();
	__gcov_dump();
	__real__exit(status);
}

int __wrap___gcov_execve(const char *path, char *const *argv, char *const *environment)
{
	counters_be_quiet();
	return __real___gcov_execve(path, argv, environment);
}
