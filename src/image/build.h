/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.h - the image that Lambda and Fargate run: a base image with vast-lambda-runtime added, in a registry.
 *
 * Works from registry to registry. What is pushed has a tag that follows from the digests of what went into it, so an
 * image that is there needs no second look; its manifest is stored last, so a half-pushed image is never found.
 */
#ifndef VASTFS_IMAGE_BUILD_H
#define VASTFS_IMAGE_BUILD_H

#include "image/manifest.h"

struct aws_cancel_token;
struct engine;

struct image_build {
	struct engine *engine;
	const char *base;	   /* as people write it: "tenzir/vast:latest" */
	const char *architecture;  /* "x86_64" or "arm64" */
	const char *runtime;	   /* path of vast-lambda-runtime for it */
	const char *registry;	   /* the target's URL: ECR's proxyEndpoint */
	const char *repository;	   /* there */
	const char *authorization; /* user:password in base64, secret; NULL or "": none */
	/* Where an image of ECR is read and how; NULL: by its host, with the credentials that docker has stored. */
	const char *source_registry, *source_authorization;
	const char *ca_file; /* certificates to trust at both ends, NULL: the system's */
	struct aws_cancel_token *cancel;
	/* Called on the engine thread, often; bytes. */
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t total);
	/* Called once at most, by the caller's thread: what is wrong with stored credentials and may not matter. */
	void (*warn)(void *arg, const struct error *what);
	void *arg;
};

struct image_built {
	char digest[IMAGE_DIGEST_SIZE]; /* what the target has it by */
	char tag[IMAGE_TAG_SIZE];
	bool pushed;	/* false: it was there */
	uint64_t bytes; /* sent */
};

/*
 * Any thread but the engine's: sleeps until it is done. Negative errno with words: -ENOENT no such image or platform,
 * -EACCES no permission, -EINVAL an image that Lambda cannot run, -EBADMSG a registry that makes no sense, -ECANCELED,
 * those of the network.
 *
 * VASTFS_REGISTRY_MIRROR in the environment (a URL) is asked in place of every registry that is not ECR.
 */
int image_build(const struct image_build *b, struct image_built *ret, struct error *err);

/*
 * Pure. The registry that an image of ECR is read from: its own host exactly. Only where the reply to the request for a
 * token names a registry that is not AWS's (an emulator), and the image is of the caller's own account, it is that one.
 * base: of ECR. endpoint: the reply's proxyEndpoint, account: the caller's. NULL without memory; to be freed.
 */
char *image_ecr_registry(const struct image_reference *base, const char *endpoint, const char *account);

/* Whether there is an image to build from, and it suits. The target is not asked; it need not exist yet. */
int image_check(const struct image_build *b, struct error *err);

#endif
