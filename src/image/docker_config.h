/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * docker_config.h - reads the credentials for registries that docker and podman have stored.
 *
 * Files, in this order: $DOCKER_CONFIG/config.json (~/.docker/config.json), then $REGISTRY_AUTH_FILE or, if that is
 * unset, $XDG_RUNTIME_DIR/containers/auth.json and $XDG_CONFIG_HOME (~/.config)/containers/auth.json. The first file
 * with credentials for the image wins. In a file, credHelpers precedes credsStore, which precedes auths; of several
 * keys the longest one that is a prefix of "host/name" wins. Sources: docker/cli, "docker login";
 * docker/docker-credential-helpers, README; containers/image, containers-auth.json(5).
 */
#ifndef VASTFS_IMAGE_DOCKER_CONFIG_H
#define VASTFS_IMAGE_DOCKER_CONFIG_H

#include "base/buf.h"
#include "base/error.h"

/*
 * host and name as in struct image_reference. Appends "user:password" in base64 to ret_basic; appends nothing and
 * returns 0 if there are no credentials. ret_basic is a secret: the caller clears it. Runs a credential helper for up
 * to 10 s, so not for the engine's or the FUSE loop's thread.
 *
 * *ret_warning gets the first fault that does not prevent the pull of a public image: a helper that is missing, fails
 * or hangs, a file that is empty or not readable. Errors: -EBADMSG a malformed file or entry, -EINVAL or -EISDIR not a
 * regular file, -EFBIG too large, -EOPNOTSUPP a kind of credentials that vastfs cannot use. Messages contain no secret.
 */
int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *ret_warning,
		      struct error *err);

#endif
