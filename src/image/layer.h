/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * layer.h - makes the layer that vastfs adds to an image. It contains vast-lambda-runtime, the program that runs
 * commands in the Lambda function, starts the server and checks its health (src/runtime/main.c). Its functions block on
 * the disk; any thread may call them.
 *
 * The layer has one file at the root, IMAGE_RUNTIME_PATH, mode 0755, owner 0:0, time 0, in a ustar archive compressed
 * with gzip (OCI Image Format Specification 1.1, layer.md). The same program makes the same bytes on every machine and
 * at any time.
 */
#ifndef VASTFS_IMAGE_LAYER_H
#define VASTFS_IMAGE_LAYER_H

#include "base/buf.h"
#include "base/error.h"
#include "image/reference.h"

#define IMAGE_RUNTIME_PATH "/vast-lambda-runtime"
#define IMAGE_LAYER_MAX	   ((size_t)64 << 20)

struct image_layer {
	struct buf data;		 /* the compressed archive */
	char digest[IMAGE_DIGEST_SIZE];	 /* digest of data */
	char diff_id[IMAGE_DIGEST_SIZE]; /* digest of the archive before compression */
	char architecture[16];		 /* architecture of the program: "x86_64" or "arm64"; "": unknown */
};

/*
 * Reads the program and makes the layer. Errno of open or read; -ENOEXEC if the file is no ELF executable for an
 * architecture of Lambda; -EFBIG. The caller frees *ret with image_layer_free; after an error *ret is empty.
 */
int image_layer_make(const char *runtime_path, struct image_layer *ret, struct error *err);
void image_layer_free(struct image_layer *l); /* frees the content, not the struct */

#endif
