/*
 * docker_config.h - the credentials for registries that docker, podman or skopeo have stored.
 *
 * Read from $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json
 * (containers-auth.json(5)) and $DOCKER_CONFIG/config.json or ~/.docker/config.json (docker login); the first that
 * knows the registry counts. Credential helpers are asked by their protocol (docker/docker-credential-helpers): the
 * server's address on standard input, JSON on standard output.
 */
#ifndef VASTFS_IMAGE_DOCKER_CONFIG_H
#define VASTFS_IMAGE_DOCKER_CONFIG_H

#include "base/buf.h"
#include "base/error.h"

/*
 * "user:password" in base64 for the repository, a secret; empty if there is none. May wait for a helper, 10 s at most.
 * Negative errno with words, without secrets: a file that is malformed, a helper that cannot be run.
 */
int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *err);

#endif
