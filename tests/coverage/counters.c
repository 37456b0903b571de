/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the runtime that contrib/coverage measures, which is linked with --wrap for these functions. The runtime ends
 * by _exit() in the handler of SIGTERM, which would lose its counters. In a container, where the build directory cannot
 * be written, gcc's library would say so in the place of the command's output; so nothing is counted there.
 */
#include <gcov.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real___gcov_execve(const char *path, char *const *argv, char *const *environment);
int __wrap___gcov_execve(const char *path, char *const *argv, char *const *environment);

static int counters_can_be_written(void)
{
	return access(COUNTERS_DIRECTORY, W_OK) == 0;
}

_Noreturn void __wrap__exit(int status)
{
	if (counters_can_be_written())
		__gcov_dump();
	__real__exit(status);
}

/* gcc's function writes the counters first. A call of execve() here would become one of that function. */
int __wrap___gcov_execve(const char *path, char *const *argv, char *const *environment)
{
	if (counters_can_be_written())
		return __real___gcov_execve(path, argv, environment);
	return (int)syscall(SYS_execve, path, argv, environment);
}
