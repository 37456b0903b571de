/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runtime_file.h - where vast-lambda-runtime is, for the processor that is asked for.
 */
#ifndef VASTFS_IMAGE_RUNTIME_FILE_H
#define VASTFS_IMAGE_RUNTIME_FILE_H

#include "base/error.h"

#define IMAGE_RUNTIME_PATH_MAX 4096

/*
 * architecture: "x86_64" or "arm64". Looked for beside this program, as it is built and as it is installed: under the
 * plain name, and with -<architecture> behind it. -ENOENT with words if none there is for that processor.
 */
int image_runtime_find(const char *architecture, char ret_path[IMAGE_RUNTIME_PATH_MAX], struct error *err);

/* Whether the file is an ELF executable for the processor. */
bool image_runtime_suits(const char *path, const char *architecture);

#endif
