/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refuse.h - answers the requests that vastfs refuses.
 *
 * An errno carries no message, so a refusal also adds a line with a message to /error. ENOENT, EINTR, EAGAIN and the
 * names of noise.h are part of normal operation and add no line. Loop thread only, except refuse_record(), which any
 * thread may call.
 */
#ifndef VASTFS_FS_REFUSE_H
#define VASTFS_FS_REFUSE_H

#include "fs/fs.h"

/*
 * Prepares a request: finds its caller and takes a reference to the newest snapshot. call_end() releases the reference.
 */
struct call call_begin(fuse_req_t req);
void call_end(struct call *c);

#define _call_ _cleanup_(call_end)

/*
 * Answers errnum, which is negative, with the message in c->err. n may be NULL. name, if it is not NULL, is a child of
 * n.
 */
void refuse(struct call *c, int errnum, const struct node *n, const char *name);

/* Call this function before any change. It returns -EROFS with a message if the mount is read-only, else 0. */
int refuse_change(struct call *c);

/* Adds only the line in /error, for a failure that no reply can report. */
void refuse_record(struct fs *fs, struct requester who, const char *path, const struct error *err);

#endif
