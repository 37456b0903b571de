/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/inotify.h"

#include "base/clock.h"
#include "base/log.h"
#include "fs/attr.h"
#include "fs/changes.h"
#include "fs/file.h"
#include "fs/inotify_steps.h"
#include "fs/mountinfo.h"
#include "fs/notify.h"
#include "fs/watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * An event is made between the minimum and the maximum delay after a change. A script that unmounts after its last
 * change does so within the minimum, also on a busy machine. The delay is random, because an event at a fixed time
 * could coincide with the unmount of a script that sleeps for that time.
 */
#define DELAY_LEAST_MS 300
#define DELAY_SPAN_MS  400
/* A script that unmounts at the first event needs some milliseconds. By then the helper has finished or rests. */
#define BURST_US      300
#define REST_MOST_MS  50
#define RESTS_LAST_MS 1500 /* limit for the sum of all rests, or file managers would show a change too late */
#define STEP_US	      60   /* estimated on an idle machine */
/* The search for watchers uses at most one twentieth of a processor. */
#define SCAN_SHARE 20

enum inotify_phase {
	PHASE_IDLE,
	PHASE_DELAY, /* a change is reported when due_ms has passed */
	PHASE_SCAN,  /* the helper searches for watchers */
	PHASE_FIND,  /* the notifier finds the changes */
	PHASE_ACT,   /* the helper makes events */
};

struct inotify {
	struct fs *fs;
	dev_t device;
	/* Other users may enter the mount, and vastfs cannot read their processes. */
	bool others;
	int wake_fd;
	pthread_t thread;
	_Atomic pid_t tid;
	bool started;		     /* the thread runs and must be joined */
	struct observation observed; /* the notifier's: the state that was reported last */
	struct observation fresh;    /* the notifier's: the state to be reported next */

	pthread_mutex_t lock; /* guards all fields below */
	pthread_cond_t work;
	enum inotify_phase phase;
	bool changed, stopping;
	int64_t due_ms, not_before_ms; /* monotonic */
	struct watchers watchers;      /* owned by the helper in PHASE_SCAN and by the notifier in PHASE_FIND */
	struct steps steps;	       /* owned by the helper in PHASE_ACT */
	const struct step *step;       /* the current step */
};

/* -- the helper ------------------------------------------------------------------------------------------------ */

/*
 * Opens the root for one step, because an open descriptor would prevent an unmount. The function also checks the
 * device: otherwise the step could change a file in the directory below the mount, or in another file system that was
 * mounted in its place.
 */
static int inotify_open_root(const struct inotify *i)
{
	_close_ int root = open(i->fs->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx st;
	int opened;

	if (root < 0 || statx(root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0 ||
	    makedev(st.stx_dev_major, st.stx_dev_minor) != i->device)
		return -1;
	opened = root;
	root = -1;
	return opened;
}

static void inotify_act(const struct inotify *i, const struct step *s)
{
	_close_ int root = inotify_open_root(i);
	int r;

	if (root < 0)
		return;
	if (s->what == CHANGE_GONE)
		r = unlinkat(root, s->path, s->row->type == ROW_DIR ? AT_REMOVEDIR : 0);
	else if (s->what != CHANGE_APPEARED)
		r = utimensat(root, s->path, NULL, AT_SYMLINK_NOFOLLOW);
	else if (s->row->type == ROW_DIR)
		r = mkdirat(root, s->path, s->row->mode);
	else if (s->row->type == ROW_LINK)
		r = symlinkat("-", root, s->path);
	else
		r = mknodat(root, s->path, S_IFREG | s->row->mode, 0);
	(void)r; /* a call that fails means that programs that watch miss one event */
}

/*
 * Closes standard output too, because a shell's $(...) waits until its last holder has closed it. So the helper cannot
 * log.
 */
static void inotify_leave_descriptors(int keep)
{
	if (unshare(CLONE_FILES) < 0)
		return;
	if (keep > 0)
		close_range(0, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0U, 0);
}

/* Ends a phase of the helper. The caller holds the lock. */
static void inotify_next(struct inotify *i, enum inotify_phase phase)
{
	uint64_t one = 1;

	i->phase = phase;
	if (write(i->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full, so the notifier is already awake */
}

static void inotify_scan(struct inotify *i)
{
	int64_t began = clock_monotonic_ms(), now;

	pthread_mutex_unlock(&i->lock);
	if (watchers_find(&i->watchers, i->device) < 0 || i->others)
		i->watchers.unknown = true;
	now = clock_monotonic_ms();
	pthread_mutex_lock(&i->lock);
	i->not_before_ms = now + SCAN_SHARE * (now - began);
	inotify_next(i, PHASE_FIND);
}

static int64_t inotify_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long inotify_rest_ms(size_t steps)
{
	size_t bursts = 1 + steps * STEP_US / BURST_US, each = RESTS_LAST_MS / bursts;

	return each < REST_MOST_MS ? (long)each : REST_MOST_MS;
}

static void inotify_rest(struct inotify *i)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += inotify_rest_ms(i->steps.n) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!i->stopping && pthread_cond_clockwait(&i->work, &i->lock, CLOCK_MONOTONIC, &until) == 0)
		;
}

static void inotify_act_all(struct inotify *i)
{
	int64_t began = inotify_now_us();

	for (size_t n = 0; n < i->steps.n && !i->stopping; n++) {
		if (inotify_now_us() - began > BURST_US) {
			inotify_rest(i);
			began = inotify_now_us();
		}
		i->step = &i->steps.all[n];
		pthread_mutex_unlock(&i->lock);
		inotify_act(i, i->step);
		pthread_mutex_lock(&i->lock);
	}
	i->step = NULL;
	inotify_next(i, PHASE_IDLE);
}

/*
 * If memory is short, libfuse refuses the kernel's first request. The kernel then fails all calls itself and sends no
 * request, so the helper ends the process.
 */
static void inotify_end_dead_mount(const struct inotify *i)
{
	struct stat st;

	if (stat(i->fs->mountpoint, &st) < 0 && errno == ECONNREFUSED)
		kill(getpid(), SIGTERM);
}

static void *inotify_help(void *arg)
{
	struct inotify *i = arg;

	atomic_store(&i->tid, gettid());
	inotify_leave_descriptors(i->wake_fd);
	inotify_end_dead_mount(i);
	pthread_mutex_lock(&i->lock);
	while (!i->stopping) {
		if (i->phase == PHASE_SCAN)
			inotify_scan(i);
		else if (i->phase == PHASE_ACT)
			inotify_act_all(i);
		else
			pthread_cond_wait(&i->work, &i->lock);
	}
	pthread_mutex_unlock(&i->lock);
	return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int inotify_start(struct fs *fs, int wake_fd, struct inotify **ret)
{
	struct inotify *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return -ENOMEM;
	*i = (struct inotify){.fs = fs, .wake_fd = wake_fd, .tid = -1, .others = fs->others_may_enter && getuid() != 0};
	pthread_mutex_init(&i->lock, NULL);
	pthread_cond_init(&i->work, NULL);
	r = mountinfo_is_ours(fs->mountpoint, fs->uid, &i->device) ? observation_take(fs, &i->observed) : -ENOENT;
	if (r == 0)
		r = -pthread_create(&i->thread, NULL, inotify_help, i);
	i->started = r == 0;
	if (r < 0)
		inotify_free(i);
	else
		*ret = i;
	return r;
}

void inotify_stop(struct inotify *i)
{
	if (!i || !i->started)
		return;
	pthread_mutex_lock(&i->lock);
	i->stopping = true;
	pthread_cond_signal(&i->work);
	pthread_mutex_unlock(&i->lock);
	pthread_join(i->thread, NULL);
	i->started = false;
}

void inotify_free(struct inotify *i)
{
	if (!i)
		return;
	observation_free(&i->observed);
	observation_free(&i->fresh);
	watchers_free(&i->watchers);
	steps_free(&i->steps);
	pthread_cond_destroy(&i->work);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

/* -- the notifier ---------------------------------------------------------------------------------------------- */

static bool inotify_wants(void *arg, const struct row *row, uint64_t inode, uint64_t directory)
{
	const struct inotify *i = arg;

	/*
	 * Skip files that act. If another vastfs had taken the place of this mount, a touch would start an operation
	 * there.
	 */
	if (row->class && row->class->touch)
		return false;
	return watchers_has(&i->watchers, inode) || watchers_has(&i->watchers, directory);
}

static void inotify_tell(void *arg, enum change what, const struct row *row, const char *key)
{
	struct inotify *i = arg;

	if (what == CHANGE_TIME && row->type != ROW_DIR)
		return;
	if (steps_add(&i->steps, what, row, key) < 0)
		log_debug("no memory for an event");
}

/*
 * Finds the changes since the last report, if a process watches them. The caller holds the lock in PHASE_FIND, in which
 * the helper sleeps.
 */
static void inotify_find(struct inotify *i)
{
	const struct changes_reader reader = {
		.wants = inotify_wants, .tell = inotify_tell, .below_new = true, .arg = i};

	steps_free(&i->steps);
	if (watchers_any(&i->watchers))
		changes_find(i->fs, &i->observed, &i->fresh, &reader);
	observation_free(&i->observed);
	i->observed = i->fresh;
	i->fresh = (struct observation){0};
	steps_sort(&i->steps);
	i->phase = i->steps.n ? PHASE_ACT : PHASE_IDLE;
}

/*
 * The tree is observed before its watchers are searched, so the search finds every process that watched before the
 * change.
 */
static void inotify_begin(struct inotify *i)
{
	i->phase = observation_take(i->fs, &i->fresh) < 0 ? PHASE_IDLE : PHASE_SCAN;
}

static void inotify_delay(struct inotify *i)
{
	i->changed = false;
	i->due_ms = clock_monotonic_ms() + DELAY_LEAST_MS + inotify_now_us() % DELAY_SPAN_MS;
	if (i->due_ms < i->not_before_ms)
		i->due_ms = i->not_before_ms;
	i->phase = PHASE_DELAY;
}

int64_t inotify_work(struct inotify *i, bool changed)
{
	int64_t due;

	if (!i || !i->started)
		return 0;
	pthread_mutex_lock(&i->lock);
	i->changed |= changed;
	if (i->phase == PHASE_FIND)
		inotify_find(i);
	if (i->phase == PHASE_IDLE && i->changed)
		inotify_delay(i);
	if (i->phase == PHASE_DELAY && i->due_ms <= clock_monotonic_ms())
		inotify_begin(i);
	if (i->phase == PHASE_SCAN || i->phase == PHASE_ACT)
		pthread_cond_signal(&i->work);
	due = i->phase == PHASE_DELAY ? i->due_ms : 0;
	pthread_mutex_unlock(&i->lock);
	return due;
}

/* -- the loop thread ------------------------------------------------------------------------------------------- */

bool inotify_is_own(struct inotify *i, pid_t tid)
{
	return i && atomic_load(&i->tid) == tid;
}

/*
 * Returns whether the helper sent this request about the name of its current step. *ret is a copy of the step without
 * the strings path and key.
 */
static bool inotify_at(struct call *c, const struct node *dir, const char *name, struct step *ret)
{
	struct inotify *i = notify_inotify(c->fs->notifier);
	bool at = false;

	if (!inotify_is_own(i, c->who.pid))
		return false;
	pthread_mutex_lock(&i->lock);
	if (i->step && dir)
		at = step_names(i->step, dir, name);
	if (at)
		*ret = (struct step){.what = i->step->what, .row = i->step->row};
	pthread_mutex_unlock(&i->lock);
	return at;
}

/*
 * The entry no longer exists, but the helper's call removes it again, so the kernel must find an entry there. The entry
 * never becomes a node.
 */
static void inotify_answer_dummy(struct call *c, const struct row *row)
{
	static const mode_t types[] = {[ROW_DIR] = S_IFDIR, [ROW_FILE] = S_IFREG, [ROW_LINK] = S_IFLNK};
	static uint64_t generation; /* loop thread only */
	struct fuse_entry_param e = {.ino = NODE_DUMMY};

	e.attr = (struct stat){.st_ino = NODE_DUMMY,
			       .st_mode = types[row->type] | row->mode,
			       .st_nlink = 1,
			       .st_uid = c->fs->uid,
			       .st_gid = c->fs->gid};
	/* A new generation makes the kernel treat the entry as a new file, even if it still caches the previous one. */
	e.generation = ++generation;
	fuse_reply_entry(c->req, &e);
}

bool inotify_answer_lookup(struct call *c, const struct node *dir, const char *name)
{
	struct step s;

	if (!inotify_at(c, dir, name, &s) || (s.what != CHANGE_GONE && s.what != CHANGE_APPEARED))
		return false;
	if (s.what == CHANGE_GONE)
		inotify_answer_dummy(c, s.row);
	else
		fuse_reply_err(c->req, ENOENT);
	return true;
}

bool inotify_answer_make(struct call *c, const struct node *dir, const char *name)
{
	struct fuse_entry_param e;
	int r;

	if (!inotify_is_own(notify_inotify(c->fs->notifier), c->who.pid))
		return false;
	r = dir ? attr_find_entry(c, dir, name, &e) : -ENOENT;
	if (r < 0)
		fuse_reply_err(c->req, -r);
	else
		fuse_reply_entry(c->req, &e);
	return true;
}

bool inotify_answer_remove(struct call *c)
{
	if (!inotify_is_own(notify_inotify(c->fs->notifier), c->who.pid))
		return false;
	fuse_reply_err(c->req, 0);
	return true;
}
