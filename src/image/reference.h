/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reference.h - how people name images: "tenzir/vast", "ghcr.io/a/b:1.0", "<registry>/<name>@sha256:...".
 *
 * The grammar is that of github.com/distribution/reference, with Docker's shorthands: without a registry Docker Hub is
 * meant, without a namespace there "library/", without tag and digest "latest". Plain values without ownership.
 */
#ifndef VASTFS_IMAGE_REFERENCE_H
#define VASTFS_IMAGE_REFERENCE_H

#include "base/error.h"

#include <stdbool.h>

#define IMAGE_DIGEST_SIZE  (sizeof("sha256:") + 64)
#define IMAGE_ACCOUNT_SIZE (sizeof("123456789012"))

/* Docker Hub under all its names. */
#define IMAGE_DOCKER_HUB "registry-1.docker.io"

struct image_reference {
	char host[256];			      /* "registry-1.docker.io", "ghcr.io", "127.0.0.1:5000"; lower case */
	char name[256];			      /* "tenzir/vast", "library/debian" */
	char tag[129];			      /* "" if there is a digest and no tag */
	char digest[IMAGE_DIGEST_SIZE];	      /* "" if none; it decides where both are given */
	bool is_ecr;			      /* a private registry of AWS, which is spoken to with AWS's credentials */
	char ecr_account[IMAGE_ACCOUNT_SIZE]; /* whose it is, "" if it is none */
	char ecr_region[40];
};

/* -EINVAL with words. */
int image_reference_parse(const char *text, struct image_reference *ret, struct error *err);

/* What a manifest is asked by: the digest, else the tag. */
const char *image_reference_target(const struct image_reference *r);

/* True for docker.io and its other names. */
bool image_host_is_docker_hub(const char *host);

/*
 * True if the host, with or without a port, is this machine: localhost, 127.0.0.0/8, [::1]. Only there http is spoken.
 */
bool image_host_is_loopback(const char *host);

/* True for "sha256:" and 64 lower case hexadecimal digits: the one kind of digest that is checked and thus taken. */
bool image_digest_is_valid(const char *digest);

#endif
