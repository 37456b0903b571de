/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copy.h - copies blobs from a registry, or from memory, to another registry.
 *
 * Up to COPY_AT_ONCE blobs are streamed at the same time; none is ever stored completely in memory or on disk. A blob
 * that the target has is not sent. A blob with a wrong digest or length is never completed at the target. After a
 * transient failure a blob is sent again from its beginning.
 */
#ifndef VASTFS_IMAGE_COPY_H
#define VASTFS_IMAGE_COPY_H

#include "image/registry.h"

#define COPY_AT_ONCE 4 /* ECR resets connections above this number */

struct copy_item {
	struct image_blob blob;
	const struct buf *data; /* the content; NULL: it is read from the source */
};

struct copy {
	struct registry *source, *target; /* both have been authenticated by a request before */
	bool mount; /* both are in one registry, which may mount a blob of the source without a transfer */
	const struct copy_item *items;
	size_t n;
	/* Called on the engine thread, for every piece of data. done and total are bytes, including blobs not sent. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Sleeps until the target has all blobs, so the engine's thread must not call it. *ret_sent: bytes sent, also on
 * failure. -EACCES with err->http_status 401: the token of the source has expired; authenticate and copy again.
 */
int copy_run(const struct copy *c, struct aws_cancel_token *cancel, uint64_t *ret_sent, struct error *err);

#endif
