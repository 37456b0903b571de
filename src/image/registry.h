/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h - requests to a repository in a registry: OCI distribution specification 1.1, with Docker's token
 * authentication (distribution.github.io/distribution/spec/auth/token) and ECR's Basic.
 *
 * Each call sleeps until the reply, so the engine's thread must not call it. Replies are not trusted: their size is
 * bounded, and content with a digest is verified. Credentials are sent only to the host they belong to and never appear
 * in messages.
 */
#ifndef VASTFS_IMAGE_REGISTRY_H
#define VASTFS_IMAGE_REGISTRY_H

#include "aws/http.h"
#include "image/manifest.h"

struct aws_cancel_token;

struct registry {
	struct engine *engine;
	struct aws_cancel_token *cancel;
	char *base;	     /* "https://registry-1.docker.io" */
	char *name;	     /* name of the repository: "library/debian" */
	char *basic;	     /* user:password in base64, allocated by secret.h; NULL: none */
	char *authorization; /* the header that the registry has accepted, allocated by secret.h; NULL: none yet */
	const char *ca_file; /* certificates to trust, NULL: the system's; not owned, set after registry_open() */
};

/* Copies its arguments; basic may be NULL or "". eager: sends Basic authentication without a challenge. -ENOMEM. */
int registry_open(struct registry *r, struct engine *engine, struct aws_cancel_token *cancel, const char *base,
		  const char *name, const char *basic, bool eager);
void registry_close(struct registry *r);

/* The name of the repository in messages: "registry-1.docker.io/library/debian". */
const char *registry_label(const struct registry *r, char *out, size_t size);

/* *ret: whether the host is a registry, which answers requests to /v2/. */
int registry_answers(struct registry *r, bool *ret, struct error *err);

/* Finds the digest of an image by a HEAD request if possible. target: a tag or digest. -ENOENT: no such image. */
int registry_find(struct registry *r, const char *target, char ret_digest[IMAGE_DIGEST_SIZE], struct error *err);

/* Reads a manifest or index; verifies its digest if target is a digest. */
int registry_get_manifest(struct registry *r, const char *target, struct buf *out, char media_type[IMAGE_MEDIA_MAX],
			  struct error *err);

/* Reads a small blob (the config) into memory and verifies its digest. */
int registry_get_blob(struct registry *r, const struct image_blob *blob, struct buf *out, struct error *err);

int registry_put_manifest(struct registry *r, const char *tag, const char *media_type, const struct buf *manifest,
			  struct error *err);

/* "https://host/v2/name/<path>"; NULL without memory. */
char *registry_url(const struct registry *r, const char *path);

/* Sets err from a reply that reports a failure; action: "cannot read the manifest". Returns err's errnum. */
int registry_explain(const struct http_reply *reply, const char *label, const char *action, struct error *err);

/* Whether a retry may succeed: HTTP 408, 429, 5xx, and broken connections. */
bool registry_is_transient(const struct http_reply *reply);

/* Sleeps before the next try, longer if the reply has a rate limit; try: the number of tries so far. 0, -ECANCELED. */
#define REGISTRY_TRIES 3
int registry_wait(const struct registry *r, const struct http_reply *reply, int try);

#endif
