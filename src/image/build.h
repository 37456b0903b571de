/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.h - the image that Lambda and Fargate run: a base image with vast-lambda-runtime added, in a registry.
 *
 * Copies from registry to registry; nothing is stored on this machine. The tag of a pushed image is computed from the
 * digests of its parts, so an image whose tag exists is complete and is not built again. The manifest is stored last,
 * so a partly pushed image is never found.
 */
#ifndef VASTFS_IMAGE_BUILD_H
#define VASTFS_IMAGE_BUILD_H

#include "image/manifest.h"

struct aws_cancel_token;
struct engine;

struct image_build {
	struct engine *engine;
	const char *base;	   /* value of vast_image: "tenzir/vast:latest" */
	const char *architecture;  /* "x86_64" or "arm64" */
	const char *runtime;	   /* path of vast-lambda-runtime for that architecture */
	const char *registry;	   /* URL of the target registry: ECR's proxyEndpoint */
	const char *repository;	   /* name of the repository in the target registry */
	const char *authorization; /* user:password in base64, secret; NULL or "": none */
	/*
	 * Registry URL and credentials for a base image in ECR; NULL: the image's own host, credentials stored by
	 * docker.
	 */
	const char *source_registry, *source_authorization;
	const char *ca_file; /* certificates to trust at both ends, NULL: the system's */
	struct aws_cancel_token *cancel;
	/* Called on the engine thread, at most once for each piece of data that arrives; done and total are bytes. */
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t total);
	/* Called at most once, on the caller's thread, with a fault in stored credentials: public images need none. */
	void (*warn)(void *arg, const struct error *what);
	void *arg;
};

struct image_built {
	char digest[IMAGE_DIGEST_SIZE]; /* digest of the manifest in the target registry */
	char tag[IMAGE_TAG_SIZE];
	bool pushed;	/* false: the target already had the image */
	uint64_t bytes; /* number of bytes sent */
};

/*
 * Builds and pushes the image. Sleeps until the end, so the engine's thread must not call it. Negative errno with err
 * set: -ENOENT no such image or platform, -EACCES no permission, -EINVAL or -EOPNOTSUPP an image that Lambda cannot
 * run, -EBADMSG an invalid reply of a registry, -ECANCELED, or the errno of the network.
 *
 * If the environment has VASTFS_REGISTRY_MIRROR (a URL), that registry is asked in place of every other except ECR.
 */
int image_build(const struct image_build *b, struct image_built *ret, struct error *err);

/* The image that image_build would leave, if the target has it already; else ret->digest is "". Changes nothing. */
int image_look_up(const struct image_build *b, struct image_built *ret, struct error *err);

/*
 * Pure. The URL of the registry that a base image in ECR is read from: its own host. The exception is an emulator of
 * AWS: if the reply to GetAuthorizationToken names a host that is not ECR's, and the image belongs to the caller's
 * account, the image is read from that host. endpoint: proxyEndpoint of the reply; account: the caller's. NULL without
 * memory; the caller frees it.
 */
char *image_ecr_registry(const struct image_reference *base, const char *endpoint, const char *account);

/* Checks that the base image exists and that Lambda can run it. The target is not contacted and need not exist yet. */
int image_check(const struct image_build *b, struct error *err);

#endif
