/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * helper.h - docker's credential helpers: a program that gives a registry's credentials.
 *
 * Source: docker/docker-credential-helpers, README, "Development": "get" with the server's name on standard input, the
 * answer a JSON object on standard output.
 */
#ifndef VASTFS_IMAGE_HELPER_H
#define VASTFS_IMAGE_HELPER_H

#include "base/error.h"

#include <stddef.h>

#define IMAGE_HELPER_MAX ((size_t)64 << 10)
#define IMAGE_HELPER_MS	 10000

/*
 * Runs docker-credential-<helper> get. ret: IMAGE_HELPER_MAX bytes, the answer and a NUL; a secret, to be cleared also
 * after an error. Returns 1, 0 if the helper knows none for the server, -ENOENT if there is no such program, -EINVAL
 * its name is not a plain word, -ETIMEDOUT, -EIO it failed.
 */
int image_helper_get(const char *helper, const char *server, int timeout_ms, char *ret, struct error *err);

#endif
