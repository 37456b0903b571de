/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.c - the FUSE operations. Each operation takes one request, and the class of the file or the table decides its
 * result. The operation answers or refuses the request and never waits. Loop thread only.
 */
#include "fs/fs.h"

#include "base/clock.h"
#include "fs/attr.h"
#include "fs/dir.h"
#include "fs/edit.h"
#include "fs/file.h"
#include "fs/inotify.h"
#include "fs/notify.h"
#include "fs/refuse.h"
#include "fs/sniff.h"

#include <limits.h>
#include <linux/fuse.h>
#include <string.h>

#define NEGATIVE_TIMEOUT_S 1.0
#define BACKGROUND_MAX	   65535

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/*
 * RELEASE is a background request. With a small limit and many processes that close files, the RELEASE of a query could
 * arrive after the OPEN with which the same process reads the result.
 */
static void session_op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;

	fs->is_initialized = true;
	fs->may_skip_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX;
	conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
				  FUSE_CAP_ASYNC_READ | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
}

/* -- names ----------------------------------------------------------------------------------------------------- */

/*
 * A missing name may be cached only in a directory without dynamic names and links, because only these appear and
 * disappear.
 */
static double session_negative_timeout(const struct row *dir)
{
	for (const struct row *r = NULL; (r = tree_next_child(dir, r));)
		if (tree_is_dynamic(r) || r->type == ROW_LINK)
			return 0;
	return NEGATIVE_TIMEOUT_S;
}

static void session_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);
	struct fuse_entry_param e = {0};
	int r;

	if (inotify_answer_lookup(&c, dir, name))
		return;
	r = dir ? attr_find_entry(&c, dir, name, &e) : -ENOENT;
	if (r == -ENOENT && dir && session_negative_timeout(dir->row) > 0) {
		e = (struct fuse_entry_param){.entry_timeout = session_negative_timeout(dir->row)};
		r = 0;
	}
	if (r < 0)
		refuse(&c, r, dir, name);
	else
		fuse_reply_entry(req, &e);
}

static void forget(struct fs *fs, fuse_ino_t ino, uint64_t lookups)
{
	struct node *n = node_get(&fs->nodes, ino);

	if (n)
		node_forget(&fs->nodes, n, lookups);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	forget(fuse_req_userdata(req), ino, lookups);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *all)
{
	for (size_t i = 0; i < count; i++)
		forget(fuse_req_userdata(req), all[i].ino, all[i].nlookup);
	fuse_reply_none(req);
}

void fs_attend(const struct call *c, const struct node *n)
{
	if (n && strncmp(n->row->path, "tasks", strlen("tasks")) == 0)
		model_attend_tasks(c->fs->model);
}

static void session_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_call_ struct call c = call_begin(req);
	const struct node *n = node_get(&c.fs->nodes, ino);
	_buf_ struct buf target = BUF_INIT(4096);
	_scope_ struct scope s = {0};
	int r = n ? scope_open(&s, c.fs, c.snapshot, n->row, n->key) : -ENOENT;

	fs_attend(&c, n);
	if (r >= 0)
		r = n->row->render(&s, &target);
	if (r < 0)
		refuse(&c, r, n, NULL);
	else
		fuse_reply_readlink(req, buf_str(&target));
}

/* -- attributes ------------------------------------------------------------------------------------------------ */

static const struct memory_file *session_open_memory(struct fs *fs, const struct node *n)
{
	for (struct list *l = fs->open_files.next; l != &fs->open_files; l = l->next) {
		const struct handle *h = container_of(l, struct handle, link);

		if (h->node == n && h->memory)
			return h->memory;
	}
	return NULL;
}

/*
 * The kernel still requests the attributes of an open file whose name no longer exists. A temporary file has kept its
 * text, and editors compare the time of the one that they have renamed with that of default.env. Other files are empty.
 */
static struct stat attr_of_nameless(struct fs *fs, const struct node *n)
{
	const struct memory_file *f = session_open_memory(fs, n);
	struct stat st = {.st_ino = n->ino,
			  .st_mode = (n->row->type == ROW_DIR ? S_IFDIR : S_IFREG) | (n->row->mode & ~fs->umask),
			  .st_uid = fs->uid,
			  .st_gid = fs->gid};

	if (!f)
		return st;
	st.st_size = (off_t)f->text.len;
	st.st_mtim = st.st_ctim = st.st_atim = clock_timespec(f->changed_ms);
	return st;
}

static void session_reply_attr(struct call *c, struct node *n)
{
	struct stat st;
	int r = attr_of_node(c, n, &st);

	if (r >= 0) {
		fuse_reply_attr(c->req, &st, attr_timeout(n->row));
	} else if (n->handles) {
		st = attr_of_nameless(c->fs, n);
		fuse_reply_attr(c->req, &st, 0);
	} else {
		refuse(c, r, n, NULL);
	}
}

static void session_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi _unused_)
{
	_call_ struct call c = call_begin(req);
	struct node *n = node_get(&c.fs->nodes, ino);

	file_free_orphans(&c);
	/* A listing that the kernel has cached sends no other request. */
	if (n && n->row->type == ROW_DIR)
		fs_attend(&c, n);
	if (n) {
		attr_recognize_splice(&c, n);
		session_reply_attr(&c, n);
	} else {
		refuse(&c, -ENOENT, n, NULL);
	}
}

static int session_set_size(struct call *c, struct node *n, struct handle *h, off_t size)
{
	const struct file_class *class = n->row->class;
	_scope_ struct scope s = {0};
	int r;

	if (!class || !class->write)
		return error_set(&c->err, -EPERM, "this file is read-only");
	if (h || !class->truncate_path)
		return class->truncate ? class->truncate(c, h, size) : 0;
	r = scope_open(&s, c->fs, c->snapshot, n->row, n->key);
	return r < 0 ? r : class->truncate_path(c, &s, size);
}

static int session_touch(struct call *c, struct node *n)
{
	_scope_ struct scope s = {0};
	int r;

	r = scope_open(&s, c->fs, c->snapshot, n->row, n->key);
	return r < 0 ? r : n->row->class->touch(c, &s);
}

static bool session_is_touch(struct call *c, struct node *n, const struct stat *attr, int what)
{
	struct timespec now;
	struct stat shown;
	bool is_now;

	if (!n->row->class || !n->row->class->touch)
		return false;
	if (what & FUSE_SET_ATTR_MTIME_NOW)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	is_now = touch_is_explicit_now(attr, what, now) ||
		 (attr_of_node(c, n, &shown) >= 0 && touch_keeps_access_time(attr, what, now, shown.st_atim) &&
		  sniff_is_touch(c->who.pid));
	return is_now && !touch_is_writer(&c->fs->touch_writers, c->who.pid, n->ino);
}

/*
 * A touch starts the operation of a file (touch.h). Other times, modes and owners are accepted and change nothing. The
 * touches of the helper (inotify.h) only make inotify events.
 */
static void session_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct node *n = node_get(&c.fs->nodes, ino);
	bool is_own = inotify_is_own(notify_inotify(c.fs->notifier), c.who.pid);
	int r = !n ? -ENOENT : is_own ? 0 : refuse_change(&c);

	if (r >= 0 && what & FUSE_SET_ATTR_SIZE)
		r = session_set_size(&c, n, fi ? handle_of(fi) : NULL, attr->st_size);
	if (r >= 0 && !is_own && session_is_touch(&c, n, attr, what))
		r = session_touch(&c, n);
	if (r < 0)
		refuse(&c, r, n, NULL);
	else
		session_reply_attr(&c, n);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	_call_ struct call c = call_begin(req);
	struct statvfs st;

	attr_statfs(&c, node_get(&c.fs->nodes, ino), &st);
	fuse_reply_statfs(req, &st);
}

/* -- open files ------------------------------------------------------------------------------------------------ */

static bool is_for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
}

static void session_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct node *n = node_get(&c.fs->nodes, ino);
	struct handle *h = NULL;
	int r = !n ? -ENOENT : is_for_writing(fi->flags) ? refuse_change(&c) : 0;

	if (r >= 0)
		r = file_open(&c, n, fi->flags, &h);
	file_free_orphans(&c);
	if (r < 0)
		refuse(&c, r, n, NULL);
	else if (r != FILE_ANSWERED && file_reply_open(req, h) < 0)
		file_free(&c, h);
}

static void session_op_read(fuse_req_t req, fuse_ino_t ino _unused_, size_t size, off_t offset,
			    struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct handle *h = handle_of(fi);
	int r;

	/* Only a read for the page cache has no lock owner (Linux, fs/fuse/file.c). */
	c.paged = fi->lock_owner == 0;
	fs_attend(&c, h->node);
	r = h->class->read(&c, h, size, offset);
	if (r < 0)
		refuse(&c, r, h->node, NULL);
}

static void session_op_write(fuse_req_t req, fuse_ino_t ino _unused_, const char *data, size_t len, off_t offset,
			     struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct handle *h = handle_of(fi);
	int r;

	/* O_NONBLOCK can change while the file is open. */
	h->flags = (h->flags & ~O_NONBLOCK) | (fi->flags & O_NONBLOCK);
	r = h->class->write ? h->class->write(&c, h, data, len, offset) : -EPERM;
	if (r < 0)
		refuse(&c, r, h->node, NULL);
	else if (r != FILE_ANSWERED)
		fuse_reply_write(req, len);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino _unused_, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct handle *h = handle_of(fi);
	int r = h->class->flush ? h->class->flush(&c, h) : 0;

	if (r < 0)
		refuse(&c, r, h->node, NULL);
	else if (r != FILE_ANSWERED)
		fuse_reply_err(req, 0);
}

/* Frees the handle before the answer, because the process that closed the file may open the result next. */
static void session_op_release(fuse_req_t req, fuse_ino_t ino _unused_, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);

	/* RELEASE does not identify the process that opened the file. */
	file_free(&c, handle_of(fi));
	fuse_reply_err(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino _unused_, int data_only _unused_, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct handle *h = handle_of(fi);
	int r = h->class->fsync ? h->class->fsync(&c, h) : 0;

	if (r < 0)
		refuse(&c, r, h->node, NULL);
	else if (r != FILE_ANSWERED)
		fuse_reply_err(req, 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino _unused_, int data_only _unused_,
			struct fuse_file_info *fi _unused_)
{
	fuse_reply_err(req, 0);
}

static void session_op_poll(fuse_req_t req, fuse_ino_t ino _unused_, struct fuse_file_info *fi,
			    struct fuse_pollhandle *ph)
{
	_call_ struct call c = call_begin(req);
	struct handle *h = handle_of(fi);

	if (ph)
		poll_watch(c.fs, h, ph);
	fuse_reply_poll(req, poll_events(c.fs, c.snapshot, h));
	/* An event may have happened between the registration of the poll handle and the reply. */
	if (ph)
		notify_wake(c.fs->notifier);
}

const struct fuse_lowlevel_ops fs_operations = {
	.init = session_op_init,
	.lookup = session_op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = session_op_getattr,
	.setattr = session_op_setattr,
	.readlink = session_op_readlink,
	.mknod = edit_mknod,
	.mkdir = edit_mkdir,
	.unlink = edit_unlink,
	.rmdir = edit_rmdir,
	.symlink = edit_symlink,
	.rename = edit_rename,
	.link = edit_link,
	.open = session_op_open,
	.read = session_op_read,
	.write = session_op_write,
	.flush = op_flush,
	.release = session_op_release,
	.fsync = op_fsync,
	.opendir = dir_open,
	.readdir = dir_read,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.create = edit_create,
	.poll = session_op_poll,
};

/* -- the session ----------------------------------------------------------------------------------------------- */

int fs_new(struct model *m, const char *mountpoint, struct fs **ret)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	struct node *root;

	if (!fs)
		return -ENOMEM;
	tree_init();
	*fs = (struct fs){.model = m, .uid = getuid(), .gid = getgid(), .mounted_ms = clock_wall_ms()};
	list_init(&fs->open_files);
	config_init(&fs->config);
	parked_init(&fs->parked);
	polls_init(&fs->polls);
	fs->mountpoint = strdup(mountpoint);
	root = node_make(&fs->nodes, TREE_ROOT, "");
	if (!fs->mountpoint || !root) {
		fs_free(fs);
		return -ENOMEM;
	}
	root->lookups = 1; /* the kernel never forgets the root */
	*ret = fs;
	return 0;
}

void fs_free(struct fs *fs)
{
	notify_free(fs->notifier);
	nodes_free(&fs->nodes);
	dir_free_listing(&fs->listing);
	snapshot_unref(fs->newest);
	config_free(&fs->config);
	free(fs->mountpoint);
	free(fs);
}
