/*
 * reference.h - names of images: tenzir/vast:latest, ghcr.io/org/name@sha256:..., 127.0.0.1:5000/name.
 *
 * Grammar: distribution/reference (the OCI distribution specification's names and tags with a host before them). Pure.
 */
#ifndef VASTFS_IMAGE_REFERENCE_H
#define VASTFS_IMAGE_REFERENCE_H

#include "base/error.h"

#define IMAGE_DIGEST_SIZE (sizeof("sha256:") + 64)

struct image_reference {
	char host[256];			/* "registry-1.docker.io", "ghcr.io", "127.0.0.1:5000" */
	char name[256];			/* "tenzir/vast", "library/debian" */
	char tag[129];			/* "latest" if nothing is named; "" if only a digest is */
	char digest[IMAGE_DIGEST_SIZE]; /* "" if none */
	bool is_ecr;			/* a registry of an AWS account */
};

/* -EINVAL with words. */
int image_reference_parse(const char *text, struct image_reference *ret, struct error *err);

/* Whether text is "sha256:" and 64 lower case hexadecimal digits, the only algorithm that registries must have. */
bool image_digest_is_valid(const char *text);

/* What a manifest is asked by: the digest, else the tag. */
const char *image_reference_target(const struct image_reference *r);

/* The digest of bytes. -ENOMEM only. */
int image_digest(const void *data, size_t len, char ret[IMAGE_DIGEST_SIZE]);

#endif
