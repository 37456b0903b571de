/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copy.h - blobs from a registry (or from memory) into another, as streams.
 *
 * Several at once, none of them whole in memory or on disk. A blob that is there is not sent. One whose digest or
 * length is wrong is never completed at the target. What fails for a moment is tried again from the blob's beginning.
 */
#ifndef VASTFS_IMAGE_COPY_H
#define VASTFS_IMAGE_COPY_H

#include "image/registry.h"

#define COPY_AT_ONCE 4 /* ECR resets connections above that */

struct copy_item {
	struct image_blob blob;
	const struct buf *data; /* the bytes, if they do not come from the source */
};

struct copy {
	struct registry *source, *target; /* authenticated already */
	bool mount; /* both are repositories of one registry: it may take the blob over without it being sent */
	const struct copy_item *items;
	size_t n;
	/* Called on the engine thread, often. total counts what is there already, too. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Any thread but the engine's: sleeps until all are there. *ret_sent: bytes that were sent. -EACCES with the HTTP
 * status 401 if the source's token has run out: authenticate and copy again.
 */
int copy_run(const struct copy *c, struct aws_cancel_token *cancel, uint64_t *ret_sent, struct error *err);

#endif
