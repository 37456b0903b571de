/* SPDX-License-Identifier: BSD-3-Clause */
#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define END_PATIENCE 2000 /* ms; a killed process needs longer only if the kernel blocks it */
#define ANCESTORS    64

struct process {
	pid_t pid, parent;
	uid_t user;
	char state;
};

int processes_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

bool processes_reap(pid_t shell)
{
	for (;;) {
		siginfo_t ended = {0};

		if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid == 0)
			return false;
		if (ended.si_pid == shell)
			return true;
		waitpid(ended.si_pid, NULL, WNOHANG);
	}
}

/* Returns false if the name is not a process or the process has ended. */
static bool processes_read(int proc, const char *name, struct process *ret)
{
	char path[64], text[512];
	struct stat owner;
	const char *rest;
	ssize_t n;
	int fd;

	if (name[strspn(name, "0123456789")] || fstatat(proc, name, &owner, 0) < 0)
		return false;
	snprintf(path, sizeof(path), "%.20s/stat", name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The text of /proc/PID/stat is "... (NAME) S 123 ...". NAME may contain any character, including parentheses.
	 */
	rest = strrchr(text, ')');
	if (!rest || strlen(rest) < 5)
		return false;
	ret->state = rest[2];
	ret->parent = (pid_t)strtol(rest + 4, NULL, 10);
	ret->pid = (pid_t)strtol(name, NULL, 10);
	ret->user = owner.st_uid;
	return true;
}

/*
 * Calls the function for each process until it returns false. Returns false in that case, and if /proc cannot be read.
 */
static bool processes_each(bool (*call)(const struct process *, void *), void *context)
{
	DIR *proc = opendir("/proc");
	bool go_on = proc;

	while (go_on) {
		const struct dirent *entry = readdir(proc);
		struct process process;

		if (!entry)
			break;
		if (processes_read(dirfd(proc), entry->d_name, &process))
			go_on = call(&process, context);
	}
	if (proc)
		closedir(proc);
	return go_on;
}

static bool processes_kill_child(const struct process *process, void *context)
{
	(void)context;
	if (process->parent == getpid() && process->state != 'Z')
		kill(process->pid, SIGKILL);
	return true;
}

/* The children of a killed process become children of this one, so the loop repeats until there are none. */
int processes_end(pid_t shell, int *ret_status)
{
	int64_t give_up = clock_now_ms() + END_PATIENCE;

	while (clock_now_ms() < give_up) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return 0;
		if (pid == shell)
			*ret_status = status;
		if (pid != 0)
			continue;
		processes_each(processes_kill_child, NULL);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return -EBUSY;
}

struct family {
	pid_t ancestors[ANCESTORS];
	size_t count;
};

static void processes_find_family(struct family *family)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process process = {.parent = getpid()};

	family->count = 0;
	do {
		char name[16];

		family->ancestors[family->count++] = process.parent;
		snprintf(name, sizeof(name), "%d", process.parent);
		if (proc < 0 || !processes_read(proc, name, &process))
			break;
	} while (process.parent > 0 && family->count < ANCESTORS);
	if (proc >= 0)
		close(proc);
}

/* Lambda's first process starts the runtime and its helpers, so they are siblings of the runtime. */
static bool processes_is_family(const struct process *process, void *context)
{
	const struct family *family = context;

	if (process->user != geteuid() || process->state == 'Z')
		return true;
	if (process->parent == 1 && getppid() == 1)
		return true;
	for (size_t i = 0; i < family->count; i++) {
		if (family->ancestors[i] == process->pid)
			return true;
	}
	return false;
}

/* A /proc of another PID namespace would show other processes and not this one. */
static bool processes_proc_is_ours(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	return strtol(self, NULL, 10) == getpid();
}

bool processes_alone(void)
{
	struct family family;

	processes_find_family(&family);
	return processes_proc_is_ours() && processes_each(processes_is_family, &family);
}
