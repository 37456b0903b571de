/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * helper.h - runs a credential helper of docker: a program that prints the credentials for a registry.
 *
 * Source: docker/docker-credential-helpers, README, "Development": the argument is "get", standard input the name of
 * the server, standard output a JSON object.
 */
#ifndef VASTFS_IMAGE_HELPER_H
#define VASTFS_IMAGE_HELPER_H

#include "base/error.h"

#include <stddef.h>

#define IMAGE_HELPER_MAX ((size_t)64 << 10)
#define IMAGE_HELPER_MS	 10000

/*
 * Runs docker-credential-<helper> get and sleeps until it ends, timeout_ms at most. ret: IMAGE_HELPER_MAX bytes for the
 * output and a NUL; a secret, which the caller clears also after an error. Returns 1; 0 if the helper has no
 * credentials for the server; -ENOENT no such program, -EINVAL an invalid name of a helper, -ETIMEDOUT, -EIO the helper
 * failed.
 */
int image_helper_get(const char *helper, const char *server, int timeout_ms, char *ret, struct error *err);

#endif
