/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refuse.h - the one place where a request is answered with an errno.
 *
 * An errno cannot speak: every refusal that vastfs makes leaves a line with a message in /error.
 */
#ifndef VASTFS_FS_REFUSE_H
#define VASTFS_FS_REFUSE_H

#include "fs/fs.h"

/* Takes a request: the newest snapshot, who asks. call_end gives back. */
struct call call_begin(fuse_req_t req);
void call_end(struct call *c);

#define _call_ _cleanup_(call_end)

/* Answers errnum (negative). n may be NULL; name, if any, is a child of it. Words are c->err's. */
void refuse(struct call *c, int errnum, const struct node *n, const char *name);

/* Before anything is changed: -EROFS with a message if the mount is read-only, else 0. */
int refuse_change(struct call *c);

/* Only the line in /error, for a failure that no request can carry. */
void refuse_record(struct fs *fs, struct requester who, const char *path, const struct error *err);

#endif
