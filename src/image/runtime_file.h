/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runtime_file.h - finds the file vast-lambda-runtime for an architecture. Reads the disk; any thread.
 */
#ifndef VASTFS_IMAGE_RUNTIME_FILE_H
#define VASTFS_IMAGE_RUNTIME_FILE_H

#include "base/error.h"

#define IMAGE_RUNTIME_PATH_MAX 4096

/*
 * architecture: "x86_64" or "arm64". Searches next to the running program, in the layout of the build and of an
 * installation, for vast-lambda-runtime and vast-lambda-runtime-<architecture>. -ENOENT with err set if none is found.
 */
int image_runtime_find(const char *architecture, char ret_path[IMAGE_RUNTIME_PATH_MAX], struct error *err);

/* Whether the file is an ELF executable for the architecture. */
bool image_runtime_suits(const char *path, const char *architecture);

#endif
