/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blob.h - immutable, reference-counted bytes, for example the text or the result of a query.
 */
#ifndef VASTFS_BASE_BLOB_H
#define VASTFS_BASE_BLOB_H

#include "base/buf.h"
#include "base/ref.h"

#include <stdlib.h>

struct blob {
	struct ref ref;
	size_t len;
	char *data; /* never NULL, followed by a NUL */
};

/* Takes over the content of the buffer, which is empty afterwards. NULL without memory. */
static inline struct blob *blob_from_buf(struct buf *b)
{
	struct blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		return NULL;
	ref_init(&blob->ref);
	blob->len = b->len;
	blob->data = buf_take(b);
	if (!blob->data) {
		free(blob);
		return NULL;
	}
	return blob;
}

static inline struct blob *blob_ref(struct blob *b)
{
	if (b)
		ref_get(&b->ref);
	return b;
}

static inline void blob_unref(struct blob *b)
{
	if (!b || !ref_put(&b->ref))
		return;
	free(b->data);
	free(b);
}

DEFINE_CLEANUP(struct blob *, blob_unref)

#endif
