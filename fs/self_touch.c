/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/self_touch.h"

#include "base/log.h"
#include "jobs/job.h"
#include "model/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 160 /* one message of the pipe */

struct self_touch {
	char *mountpoint;
	pthread_t thread;
	int to_helper, from_notifier; /* a pipe, full of paths */
	_Atomic pid_t tid;
	uint64_t operation, query, exec, check; /* what was told last: number and state */
};

/* -- the helper ------------------------------------------------------------------------------------------------ */

/* The root is opened anew each time, for holding it would hold the mount; another file system there is left alone. */
static void touch(const char *mountpoint, dev_t device, const char *path)
{
	_close_ int root = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (root < 0 || fstat(root, &st) < 0 || st.st_dev != device)
		return;
	utimensat(root, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Standard output too: a shell's $(...) waits for its last holder. So the helper cannot log. */
static void leave_descriptors(int keep)
{
	if (unshare(CLONE_FILES) < 0)
		return;
	if (keep > 0)
		close_range(0, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0U, 0);
}

static void *help(void *arg)
{
	struct self_touch *t = arg;
	char path[PATH_SIZE];
	struct stat st;

	atomic_store(&t->tid, gettid());
	leave_descriptors(t->from_notifier);
	if (stat(t->mountpoint, &st) < 0)
		return NULL;
	while (read(t->from_notifier, path, sizeof(path)) == sizeof(path))
		touch(t->mountpoint, st.st_dev, path);
	return NULL;
}

int self_touch_start(const char *mountpoint, struct self_touch **ret)
{
	struct self_touch *t = calloc(1, sizeof(*t));
	int ends[2], r;

	if (!t || pipe2(ends, O_CLOEXEC) < 0) {
		free(t);
		return -ENOMEM;
	}
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	*t = (struct self_touch){
		.mountpoint = strdup(mountpoint), .from_notifier = ends[0], .to_helper = ends[1], .tid = -1};
	r = t->mountpoint ? -pthread_create(&t->thread, NULL, help, t) : -ENOMEM;
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		free(t->mountpoint);
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void self_touch_stop(struct self_touch *t)
{
	if (!t || t->to_helper < 0)
		return;
	/* A short message is the end; its place is waited for. */
	fcntl(t->to_helper, F_SETFL, 0);
	if (write(t->to_helper, "", 1) != 1)
		log_debug("the helper is gone");
	pthread_join(t->thread, NULL);
	close(t->to_helper);
	t->to_helper = -1;
}

void self_touch_free(struct self_touch *t)
{
	if (!t)
		return;
	close(t->from_notifier);
	free(t->mountpoint);
	free(t);
}

bool self_touch_is_own(const struct self_touch *t, pid_t tid)
{
	return t && atomic_load(&t->tid) == tid;
}

/* -- the notifier ---------------------------------------------------------------------------------------------- */

/* A full pipe loses the message: who watches gets the next one. */
static void tell(struct self_touch *t, const char *format, ...) _printf_(2, 3);
static void tell(struct self_touch *t, const char *format, ...)
{
	char path[PATH_SIZE] = {0};
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (write(t->to_helper, path, sizeof(path)) != sizeof(path))
		log_debug("too much has changed to tell of %s", path);
}

static uint64_t token_of(const struct job_list *l)
{
	struct job *j = job_list_last(l);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = j ? job_view(j) : NULL;

	return j ? j->number * 8 + v->state + 1 : 0;
}

static bool tell_jobs(struct self_touch *t, const struct snapshot *s)
{
	uint64_t operation = token_of(s->operations), query = token_of(s->queries);
	bool news = operation != t->operation || query != t->query;

	if (operation != t->operation) {
		if (operation / 8 != t->operation / 8)
			tell(t, "operations");
		tell(t, "operations/%" PRIu64 "/state", job_list_last(s->operations)->number);
		tell(t, "operations/%" PRIu64 "/result", job_list_last(s->operations)->number);
	}
	if (query != t->query) {
		if (query / 8 != t->query / 8)
			tell(t, "lambda/history");
		tell(t, "lambda/state");
		tell(t, "lambda/result");
	}
	t->operation = operation;
	t->query = query;
	return news;
}

/* Of commands in containers. */
static bool tell_execs(struct self_touch *t, const struct snapshot *s)
{
	uint64_t exec = token_of(s->execs), check = token_of(s->checks);
	bool news = exec != t->exec || check != t->check;

	if (exec != t->exec && exec) { /* there is one: the last may have been removed */
		const char *task = job_list_last(s->execs)->argument;

		if (exec / 8 != t->exec / 8)
			tell(t, "tasks/%s/exec/history", task);
		tell(t, "tasks/%s/exec/state", task);
		tell(t, "tasks/%s/exec/result", task);
	}
	if (check != t->check)
		tell(t, "tasks/%s/health", job_list_last(s->checks)->argument);
	t->exec = exec;
	t->check = check;
	return news;
}

static bool tell_tasks(struct self_touch *t, const struct task_list *old, const struct task_list *fresh)
{
	if (old == fresh)
		return false;
	if (old->changed_ms != fresh->changed_ms)
		tell(t, "tasks");
	for (size_t i = 0; i < fresh->n; i++) {
		const struct task *before = task_list_find(old, fresh->tasks[i].id);

		if (!before || before->changed_ms != fresh->tasks[i].changed_ms)
			tell(t, "tasks/%s/status", fresh->tasks[i].id);
	}
	return true;
}

void self_touch_tell(struct self_touch *t, const struct snapshot *old, const struct snapshot *fresh)
{
	bool news;

	if (!t || t->to_helper < 0)
		return;
	news = tell_jobs(t, fresh);
	news |= tell_execs(t, fresh);
	news |= tell_tasks(t, old->tasks, fresh->tasks);
	if (old->stack->changed_ms != fresh->stack->changed_ms) {
		tell(t, "stack/status");
		news = true;
	}
	if (news || old->settings != fresh->settings || !old->contact_ms != !fresh->contact_ms) {
		tell(t, "status");
		tell(t, "events.log");
	}
}
