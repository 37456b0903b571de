/*
 * layer.h - the one layer that is added: a tar archive with vast-lambda-runtime, compressed with gzip.
 *
 * Reproducible: the same program makes the same bytes, whatever its file's times and owner are. So an image that was
 * pushed is recognized by its digest.
 */
#ifndef VASTFS_IMAGE_LAYER_H
#define VASTFS_IMAGE_LAYER_H

#include "base/buf.h"
#include "image/reference.h"

#define IMAGE_ENTRY_POINT "/vast-lambda-runtime"

struct image_layer {
	struct buf data;		 /* gzip */
	char digest[IMAGE_DIGEST_SIZE];	 /* of it */
	char diff_id[IMAGE_DIGEST_SIZE]; /* of the tar archive */
};

/* Errors of reading the file; -EINVAL if it is no ELF program; -ENOMEM. image_layer_free() in any case. */
int image_layer_make(const char *runtime_path, struct image_layer *ret, struct error *err);
void image_layer_free(struct image_layer *l);

#endif
