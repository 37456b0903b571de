/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * docker_config.h - the credentials for registries that docker and podman have stored.
 *
 * Looked for in $DOCKER_CONFIG/config.json (~/.docker/config.json), then in $REGISTRY_AUTH_FILE or, if that is unset,
 * $XDG_RUNTIME_DIR/containers/auth.json and $XDG_CONFIG_HOME (~/.config)/containers/auth.json; the first that has some
 * for the image wins. In a file, credHelpers goes before credsStore and that before auths; of several keys the longest
 * that is a part of "host/name" wins. Sources: docker/cli, "docker login"; docker/docker-credential-helpers, README;
 * containers/image, containers-auth.json(5).
 */
#ifndef VASTFS_IMAGE_DOCKER_CONFIG_H
#define VASTFS_IMAGE_DOCKER_CONFIG_H

#include "base/buf.h"
#include "base/error.h"

/*
 * host and name as in struct image_reference. Appends "user:password" in base64 to ret_basic, nothing if there are no
 * credentials, which is no error: 0. It is a secret: the caller clears it. May sleep for a helper, 10 s at most, so
 * not for the engine's or the FUSE loop's thread.
 *
 * What is wrong and keeps no public image from being pulled goes into *ret_warning, the first only: a helper that is
 * missing, fails or hangs, a file that is empty or may not be read. Errors: -EBADMSG a file or an entry is malformed,
 * -EINVAL, -EISDIR, -EFBIG a file that is none or too large, -EOPNOTSUPP a kind of credentials that cannot be used.
 * No text holds a secret.
 */
int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *ret_warning,
		      struct error *err);

#endif
