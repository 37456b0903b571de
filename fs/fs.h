/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fs.h - the mounted tree, and the state that all its files share.
 *
 * Two threads use the tree. The loop thread answers every request from memory. The notifier (notify.h) sends
 * notifications and answers requests that waited. Fields belong to the loop thread unless their comment says otherwise.
 * mount_serve() owns the struct fs, which borrows the model.
 */
#ifndef VASTFS_FS_FS_H
#define VASTFS_FS_FS_H

#include "base/list.h"
#include "fs/config.h"
#include "fs/dir.h"
#include "fs/links.h"
#include "fs/log_budget.h"
#include "fs/node.h"
#include "fs/parked.h"
#include "fs/polls.h"
#include "fs/touch.h"
#include "model/model.h"

#include <fuse_lowlevel.h>
#include <stdatomic.h>

#define FS_TEXT_MAX (16 << 20) /* bytes of a rendered file */

/* The pictures of the tree: values of row->arg, and indices of the memos about the pictures. */
enum { FS_STATUS_SVG, FS_DIAGRAM_SVG, FS_OVERVIEW_HTML, FS_PICTURES };

struct notifier;
struct handle;

/* Remembers the last change of a text that has no time of its own. */
struct memo {
	uint64_t hash;
	int64_t changed_ms;
};

/* The last request that was refused. */
struct refusal {
	pid_t pid;
	int errnum;
	int64_t at_ms; /* monotonic */
	char path[256];
	char message[sizeof(((struct error *)0)->message)];
};

struct fs {
	struct model *model;
	struct fuse_session *session;
	struct notifier *notifier;
	char *mountpoint;
	uid_t uid; /* the owner of every file */
	gid_t gid;
	mode_t umask;	       /* permission bits that no file has */
	bool read_only;	       /* requests that would change something are refused */
	bool others_may_enter; /* -o allow_other or allow_root */
	int64_t mounted_ms;    /* wall clock */
	bool is_initialized;   /* the kernel's first request was answered */
	bool may_skip_opendir; /* the kernel can list a directory without OPENDIR */
	struct nodes nodes;
	struct list open_files;
	struct dir_listing listing; /* the last listing */
	struct config config;	    /* has its own lock */
	struct links links;
	struct parked_list parked; /* has its own lock */
	struct polls polls;	   /* has its own lock */
	struct snapshot *newest;   /* the loop thread's own reference; NULL before its first request */
	struct memo status_memo, whoami_memo, suggestion_memo, picture_memos[FS_PICTURES];
	struct refusal last_refusal;
	struct log_budget log_budget;
	struct touch_writers touch_writers;
	struct handle *_Atomic orphans; /* any thread */
};

/* One request: its caller, and the model at the time of the request. */
struct call {
	struct fs *fs;
	fuse_req_t req;
	struct snapshot *snapshot; /* a reference */
	struct requester who;
	bool paged;	  /* a read for the page cache (a mapping), not for a read(2) of a process */
	struct error err; /* the message for refuse() */
	/*
	 * This refusal follows from an earlier one, and the line of the earlier one in error states the reason. So no
	 * second line is added.
	 */
	bool is_explained;
};

int fs_new(struct model *m, const char *mountpoint, struct fs **ret);
void fs_free(struct fs *fs);

/*
 * Records that a process reads about n. If n shows tasks, the model refreshes the tasks, because the process expects
 * their current state. n may be NULL.
 */
void fs_attend(const struct call *c, const struct node *n);

/* The operations for fuse_session_new(). Its userdata is a struct fs. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
