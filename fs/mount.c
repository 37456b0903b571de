/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/mount.h"

#include "base/log.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/mountinfo.h"
#include "fs/notify.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#define FIXED_OPTIONS "default_permissions,subtype=vastfs"

/* -- the mountpoint -------------------------------------------------------------------------------------------- */

static int unmount_stale(const char *path, struct error *err)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "--", path, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status != 0)
		return error_set(err, -EBUSY, "%s is a dead mount that fusermount3 -u -z cannot remove", path);
	log_warning("removed the dead mount of an earlier vastfs from %s", path);
	return 0;
}

static int mount_absolute_path(const char *path, char **ret)
{
	_free_ char *here = getcwd(NULL, 0);

	if (*path == '/')
		*ret = strdup(path);
	else if (!here || asprintf(ret, "%s/%s", here, path) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

/* realpath() fails for a dead mount. So the path is the real path of the parent plus the last name, as in mountinfo. */
static int mount_resolve_dead(const char *path, char **ret)
{
	_free_ char *absolute = NULL;
	_free_ char *parent = NULL;
	char *slash;

	if (mount_absolute_path(path, &absolute) < 0)
		return -ENOMEM;
	for (size_t n = strlen(absolute); n > 1 && absolute[n - 1] == '/'; n--)
		absolute[n - 1] = '\0';
	slash = strrchr(absolute, '/');
	*slash = '\0';
	parent = realpath(*absolute ? absolute : "/", NULL);
	if (!parent)
		return -errno;
	if (asprintf(ret, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash + 1) < 0)
		return -ENOMEM;
	return 0;
}

static int mount_recover_dead(const char *mountpoint, struct error *err)
{
	_free_ char *path = NULL;
	int r = mount_resolve_dead(mountpoint, &path);

	if (r < 0)
		return error_set(err, r, "cannot resolve %s: %s", mountpoint, strerror(-r));
	if (!mountinfo_is_ours(path, getuid(), NULL))
		return error_set(err, -EBUSY, "%s is a dead mount of another program or user", path);
	return unmount_stale(path, err);
}

static int mount_check_empty(const char *path, struct error *err)
{
	DIR *d = opendir(path);
	int r = 0;

	if (!d)
		return error_set(err, -errno, "cannot list %s: %s", path, strerror(errno));
	for (const struct dirent *e; r == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = error_set(err, -ENOTEMPTY, "%s is not empty; mount on an empty directory", path);
	closedir(d);
	return r;
}

int mount_prepare(const char *mountpoint, char **ret, struct error *err)
{
	_free_ char *path = NULL;
	struct statvfs fs;
	struct stat st;
	int r = 0;

	/* Do not call stat(), because the kernel may still cache the attributes of a dead mount's root. */
	if (statvfs(mountpoint, &fs) < 0 && (errno == ENOTCONN || errno == ECONNABORTED))
		r = mount_recover_dead(mountpoint, err);
	if (r < 0)
		return r;
	if (stat(mountpoint, &st) < 0)
		return error_set(err, -errno, "cannot mount on %s: %s", mountpoint, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "cannot mount on %s: it is not a directory", mountpoint);
	path = realpath(mountpoint, NULL);
	if (!path)
		return -ENOMEM;
	if (mountinfo_is_ours(path, (uid_t)-1, NULL)) {
		error_set(err, -EBUSY, "a vastfs is already mounted on %s", path);
		error_remedy(err, "use it as it is, or unmount it first: fusermount3 -u %s", path);
		return err->errnum;
	}
	r = mount_check_empty(path, err);
	if (r == 0)
		*ret = move_ptr(path);
	return r;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

/* Appends "-ofsname=NAME". A backslash precedes each comma or backslash of the name. */
static int mount_put_name(const struct fs *fs, const struct mount_options *o, struct buf *out)
{
	static const struct settings none; /* has the defaults */
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(fs->model);
	int r = buf_puts(out, "-ofsname=");

	if (r == 0 && !o->source)
		return buf_printf(out, "vast-%s", settings_get(s->settings ? s->settings : &none, SETTING_STAGE));
	for (const char *c = o->source; r == 0 && c && *c; c++)
		r = buf_printf(out, "%s%c", *c == ',' || *c == '\\' ? "\\" : "", *c);
	return r;
}

/*
 * libfuse prints the mistake in the options. Its result does not show whether the options are wrong or memory is
 * missing.
 */
static int mount_new_session(struct fs *fs, const struct mount_options *o, struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	_buf_ struct buf name = BUF_INIT(8192);
	int r = mount_put_name(fs, o, &name);

	r |= fuse_opt_add_arg(&args, "vastfs");
	r |= fuse_opt_add_arg(&args, "-o" FIXED_OPTIONS);
	r |= fuse_opt_add_arg(&args, buf_str(&name));
	if (o->fuse) {
		r |= fuse_opt_add_arg(&args, "-o");
		r |= fuse_opt_add_arg(&args, o->fuse);
	}
	if (o->debug)
		r |= fuse_opt_add_arg(&args, "-odebug");
	errno = r ? ENOMEM : 0;
	if (r == 0)
		fs->session = fuse_session_new(&args, &fs_operations, sizeof(fs_operations), fs);
	r = fs->session ? 0 : errno == ENOMEM ? -ENOMEM : -EINVAL;
	fuse_opt_free_args(&args);
	if (r == -EINVAL)
		error_set(err, r, "libfuse refused the mount options");
	return r;
}

/* A failure is only logged, because a mount without shells is still useful. */
static void offer_shells(struct fs *fs)
{
	dev_t device;

	if (!mountinfo_is_ours(fs->mountpoint, getuid(), &device) || model_shells_listen(fs->model, device) < 0)
		log_warning("cannot offer shells: vastfs shell will not find this mount");
}

static int mount_run_loop(struct fs *fs, void (*ready)(void *arg), void *arg, struct error *err)
{
	int r = notify_start(fs, &fs->notifier);

	if (r < 0)
		return error_set(err, r, "cannot start the notifier: %s", strerror(-r));
	offer_shells(fs);
	ready(arg);
	r = fuse_session_loop(fs->session);
	/*
	 * The kernel and the inotify helper, which is joined below, may still wait for answers. The unmount ends their
	 * calls.
	 */
	if (r < 0)
		fuse_session_unmount(fs->session);
	model_set_listener(fs->model, NULL, NULL);
	notify_stop(fs->notifier);
	file_free_all(fs);
	if (r >= 0 && !fs->is_initialized)
		return error_set(err, -EIO, "the first request of the kernel failed");
	return r < 0 ? error_set(err, r, "the connection to the kernel failed: %s", strerror(-r)) : 0;
}

static void mount_set_options(struct fs *fs, const struct mount_options *o)
{
	fs->read_only = o->read_only;
	fs->umask = o->umask;
	fs->others_may_enter = o->fuse && strstr(o->fuse, "allow_");
	if (o->uid != (uid_t)-1)
		fs->uid = o->uid;
	if (o->gid != (gid_t)-1)
		fs->gid = o->gid;
}

int mount_serve(struct model *m, const struct mount_options *options, void (*ready)(void *arg), void *arg,
		struct error *err)
{
	struct fs *fs;
	int r = fs_new(m, options->mountpoint, &fs);

	if (r < 0) {
		model_stop(m);
		return r;
	}
	mount_set_options(fs, options);
	r = mount_new_session(fs, options, err);
	if (r < 0) {
		model_stop(m);
		fs_free(fs);
		return r;
	}
	if (fuse_session_mount(fs->session, options->mountpoint) < 0) {
		r = error_set(err, -EIO, "cannot mount on %s", options->mountpoint);
		/* If memory is short, libfuse may fail after it has mounted. */
		if (mountinfo_is_ours(options->mountpoint, getuid(), NULL))
			unmount_stale(options->mountpoint, err);
	} else {
		r = mount_run_loop(fs, ready, arg, err);
		fuse_session_unmount(fs->session);
	}
	fuse_session_destroy(fs->session);
	/*
	 * Saves and fetches that are in flight still wake the notifier, so the model stops before the notifier is
	 * freed.
	 */
	model_stop(m);
	fs_free(fs);
	return r;
}
