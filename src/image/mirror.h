/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mirror.h - VASTFS_REGISTRY_MIRROR: the registry that is asked in place of every other but ECR.
 *
 * Below a path a mirror is found in one of two ways: https://host/path/v2/<name>, as a reverse proxy has it, or
 * https://host/v2/path/<name>, as registries have it that mirror several others (and as podman's registries.conf means
 * it). The path says which one if it has /v2 in it, else the mirror is asked.
 */
#ifndef VASTFS_IMAGE_MIRROR_H
#define VASTFS_IMAGE_MIRROR_H

#include "base/error.h"

struct image_place {
	char *base; /* "https://mirror.example", "https://mirror.example/path"; all owned */
	char *name; /* of the repository there: "tenzir/vast", "path/tenzir/vast" */
};

void image_place_free(struct image_place *p);

enum mirror_kind {
	MIRROR_PLAIN,	   /* it has no path, or one that ends in /v2: base is what lies before */
	MIRROR_OF_SEVERAL, /* base is the host, and the path a part of the name */
	MIRROR_UNSURE,	   /* base and name as for MIRROR_PLAIN; MIRROR_OF_SEVERAL if nothing answers at base */
};

/*
 * Pure. Where a repository is found at the mirror. kind: MIRROR_UNSURE reads what the URL says and returns what it may
 * be; MIRROR_OF_SEVERAL insists on that. Returns a mirror_kind, or -EINVAL with words: not a URL of a registry.
 */
int mirror_place(const char *mirror, const char *name, enum mirror_kind kind, struct image_place *ret,
		 struct error *err);

#endif
