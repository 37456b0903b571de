/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h - a repository in a registry: OCI distribution specification 1.1, with Docker's token authentication
 * (distribution.github.io/distribution/spec/auth/token) and ECR's Basic.
 *
 * For code that sleeps until it is answered: any thread but the engine's. Replies are not trusted: they are bounded,
 * and what has a digest is verified. Credentials go to no other host than the one they are for, and never into words.
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
	char *name;	     /* of the repository: "library/debian" */
	char *basic;	     /* user:password in base64, as secret.h keeps it; NULL: none */
	char *authorization; /* the header that the registry has accepted, likewise; NULL: none yet */
	const char
		*ca_file; /* of the certificates to trust, NULL: the system's; set by who opens it, must outlive it */
};

/* Copies all; basic may be NULL or "". eager: Basic authentication is sent without being asked for. -ENOMEM. */
int registry_open(struct registry *r, struct engine *engine, struct aws_cancel_token *cancel, const char *base,
		  const char *name, const char *basic, bool eager);
void registry_close(struct registry *r);

/* For people: "registry-1.docker.io/library/debian". */
const char *registry_label(const struct registry *r, char *out, size_t size);

/* Whether a registry is there at all: its /v2/ answers. */
int registry_answers(struct registry *r, bool *ret, struct error *err);

/* target: a tag or digest. The digest without the manifest where HEAD gives it; -ENOENT if there is none. */
int registry_find(struct registry *r, const char *target, char ret_digest[IMAGE_DIGEST_SIZE], struct error *err);

/* The manifest or index; verified if target is a digest. */
int registry_get_manifest(struct registry *r, const char *target, struct buf *out, char media_type[IMAGE_MEDIA_MAX],
			  struct error *err);

/* A small blob (the config) whole. */
int registry_get_blob(struct registry *r, const struct image_blob *blob, struct buf *out, struct error *err);

int registry_put_manifest(struct registry *r, const char *tag, const char *media_type, const struct buf *manifest,
			  struct error *err);

/* "https://host/v2/name/<path>"; NULL without memory. */
char *registry_url(const struct registry *r, const char *path);

/* What a reply that is not wanted means; action: "reading the manifest". Returns err's errnum. */
int registry_explain(const struct http_reply *reply, const char *label, const char *action, struct error *err);

/* Worth another try: 408, 429, 5xx, and connections that broke. */
bool registry_is_transient(const struct http_reply *reply);

/* Sleeps before the next try, which the reply may put off; try: how many were made. 0 or -ECANCELED. */
#define REGISTRY_TRIES 3
int registry_wait(const struct registry *r, const struct http_reply *reply, int try);

#endif
