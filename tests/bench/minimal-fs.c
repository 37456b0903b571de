/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * minimal-fs.c - the least that a low-level FUSE file system does for one small file with direct I/O. The benchmark of
 * the tree compares vastfs with it.
 *
 * usage: minimal-fs MOUNTPOINT     serves tasks/task/status in the foreground, until it is unmounted
 */
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#define TEXT	   "RUNNING\n"
#define KEEP_S	   3600.0
#define FILE_INODE 4

/* The path to the file: each inode contains the next one. */
static const char *const names[] = {[FUSE_ROOT_ID] = "tasks", [2] = "task", [3] = "status"};

static struct stat minimal_attr(fuse_ino_t ino)
{
	if (ino == FILE_INODE)
		return (struct stat){
			.st_ino = ino, .st_mode = S_IFREG | 0444, .st_nlink = 1, .st_size = sizeof(TEXT) - 1};
	return (struct stat){.st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 1};
}

static void minimal_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {.attr_timeout = KEEP_S, .entry_timeout = KEEP_S};

	if (parent >= FILE_INODE || strcmp(name, names[parent]) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e.ino = parent + 1;
	e.attr = minimal_attr(e.ino);
	fuse_reply_entry(req, &e);
}

static void minimal_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = minimal_attr(ino);

	(void)fi;
	fuse_reply_attr(req, &st, KEEP_S);
}

static void minimal_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void minimal_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	size_t at = (size_t)offset < sizeof(TEXT) - 1 ? (size_t)offset : sizeof(TEXT) - 1, left = sizeof(TEXT) - 1 - at;

	(void)ino;
	(void)fi;
	fuse_reply_buf(req, &TEXT[at], left < size ? left : size);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = minimal_lookup,
	.getattr = minimal_getattr,
	.open = minimal_open,
	.read = minimal_read,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;
	int failed = 1;

	if (argc != 2)
		return 2;
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (session && fuse_session_mount(session, argv[1]) == 0) {
		failed = fuse_session_loop(session) != 0;
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	return failed;
}
