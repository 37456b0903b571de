/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reference.h - parses the name of an image: "tenzir/vast", "ghcr.io/a/b:1.0", "<registry>/<name>@sha256:...". Pure.
 *
 * The grammar is defined by github.com/distribution/reference, with Docker's defaults: the registry is Docker Hub, the
 * namespace on Docker Hub is "library/", the tag of a name without digest is "latest". Plain values without ownership.
 */
#ifndef VASTFS_IMAGE_REFERENCE_H
#define VASTFS_IMAGE_REFERENCE_H

#include "base/error.h"

#include <stdbool.h>

#define IMAGE_DIGEST_SIZE  (sizeof("sha256:") + 64)
#define IMAGE_ACCOUNT_SIZE (sizeof("123456789012"))

/* The host of Docker Hub, for all its aliases. */
#define IMAGE_DOCKER_HUB "registry-1.docker.io"

struct image_reference {
	char host[256];			      /* "registry-1.docker.io", "ghcr.io", "127.0.0.1:5000"; lower case */
	char name[256];			      /* "tenzir/vast", "library/debian" */
	char tag[129];			      /* "" if there is a digest and no tag */
	char digest[IMAGE_DIGEST_SIZE];	      /* "" if none; it takes precedence over the tag */
	bool is_ecr;			      /* a private registry of ECR, which takes AWS credentials */
	char ecr_account[IMAGE_ACCOUNT_SIZE]; /* the account of the ECR registry; "" for others */
	char ecr_region[40];
};

/* -EINVAL with a message. */
int image_reference_parse(const char *text, struct image_reference *ret, struct error *err);

/* The part of the name that identifies a manifest in a request: the digest, else the tag. */
const char *image_reference_target(const struct image_reference *r);

/* True for docker.io and its aliases. */
bool image_host_is_docker_hub(const char *host);

/*
 * True if the host, with or without a port, is this machine: localhost, 127.0.0.0/8, [::1]. Only such hosts are
 * contacted over http.
 */
bool image_host_is_loopback(const char *host);

/* True for "sha256:" and 64 lower case hexadecimal digits, the only digests that vastfs verifies and accepts. */
bool image_digest_is_valid(const char *digest);

#endif
