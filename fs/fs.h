/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fs.h - the mounted tree: what its files share.
 *
 * Two threads: the loop thread answers every request from memory, the notifier (notify.h) sends notifications and
 * answers requests that waited. Fields belong to the loop thread unless they say otherwise.
 */
#ifndef VASTFS_FS_FS_H
#define VASTFS_FS_FS_H

#include "base/list.h"
#include "fs/config.h"
#include "fs/links.h"
#include "fs/log_budget.h"
#include "fs/node.h"
#include "fs/parked.h"
#include "fs/polls.h"
#include "fs/touch.h"
#include "model/model.h"

#include <fuse_lowlevel.h>
#include <stdatomic.h>

#define FS_TEXT_MAX (16 << 20) /* of a rendered file */

struct notifier;
struct handle;

/* Remembers when a text last changed that has no time of its own. */
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
	uid_t uid; /* owns every file */
	gid_t gid;
	mode_t umask;	       /* bits that no file has */
	bool read_only;	       /* requests that would change something are refused */
	bool others_may_enter; /* -o allow_other or allow_root */
	int64_t mounted_ms;    /* wall clock */
	bool is_initialized;   /* the kernel's first request was answered */
	struct nodes nodes;
	struct list open_files;
	struct list listings; /* of directories that are open */
	struct config config; /* has a lock of its own */
	struct links links;
	struct parked_list parked; /* has a lock of its own */
	struct polls polls;	   /* likewise */
	struct snapshot *newest;   /* the loop thread's own reference; NULL before its first request */
	struct memo status_memo, whoami_memo;
	struct refusal last_refusal;
	struct log_budget log_budget;
	struct touch_writers touch_writers;
	struct handle *_Atomic orphans; /* any thread */
};

/* One request at hand: who asks, and the model at this moment. */
struct call {
	struct fs *fs;
	fuse_req_t req;
	struct snapshot *snapshot; /* a reference */
	struct requester who;
	bool paged;	   /* a read: by the page cache, for a mapping, rather than by a process */
	struct error err;  /* words for refuse() */
	bool is_explained; /* a refusal follows from an earlier one, whose line in error says why: no second line */
};

int fs_new(struct model *m, const char *mountpoint, struct fs **ret);
void fs_free(struct fs *fs);

/* A process reads about n: if that is about tasks, it wants to see them as they are now. n may be NULL. */
void fs_attend(const struct call *c, const struct node *n);

/* The operations for fuse_session_new; its userdata is a struct fs. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
