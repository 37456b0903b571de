/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mirror.h - VASTFS_REGISTRY_MIRROR: the registry that replaces all registries except ECR. Pure.
 *
 * A mirror whose URL has a path uses one of two layouts: https://host/path/v2/<name> behind a reverse proxy, or
 * https://host/v2/path/<name> for a registry that mirrors several others (the meaning in podman's registries.conf).
 * A path that contains /v2 decides; otherwise a request to the mirror does.
 */
#ifndef VASTFS_IMAGE_MIRROR_H
#define VASTFS_IMAGE_MIRROR_H

#include "base/error.h"

struct image_place {
	char *base; /* "https://mirror.example", "https://mirror.example/path"; all owned */
	char *name; /* name of the repository in the mirror: "tenzir/vast", "path/tenzir/vast" */
};

void image_place_free(struct image_place *p);

enum mirror_kind {
	MIRROR_PLAIN,	   /* no path, or one that ends in /v2: base is the URL before /v2 */
	MIRROR_OF_SEVERAL, /* base is the host, and the path is part of the repository name */
	MIRROR_UNSURE,	   /* set as for MIRROR_PLAIN; MIRROR_OF_SEVERAL if no registry answers at base */
};

/*
 * Locates a repository at the mirror. kind MIRROR_UNSURE: decides by the URL, and returns MIRROR_UNSURE if the URL does
 * not decide. kind MIRROR_OF_SEVERAL: uses that layout. Returns a mirror_kind, or -EINVAL with err set: not the URL of
 * a registry. -ENOMEM.
 */
int mirror_place(const char *mirror, const char *name, enum mirror_kind kind, struct image_place *ret,
		 struct error *err);

#endif
