/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manifest.h - reads the manifest and index of an image, and makes the manifest of the same image with one more layer.
 *
 * Sources: Open Container Initiative, Image Format Specification 1.1 (manifest.md, image-index.md, config.md);
 * Docker, "Image Manifest Version 2, Schema 2" and "Image Specification v1.2". All functions are pure: no network,
 * no files, no clock, so the same input makes the same bytes. Documents of a registry are not trusted.
 * Errors: -EBADMSG a malformed document, -EOPNOTSUPP a valid one that Lambda cannot use, -ENOENT no such platform.
 */
#ifndef VASTFS_IMAGE_MANIFEST_H
#define VASTFS_IMAGE_MANIFEST_H

#include "base/buf.h"
#include "base/error.h"
#include "image/reference.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define IMAGE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define IMAGE_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define IMAGE_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_OCI_INDEX	      "application/vnd.oci.image.index.v1+json"

/* The media types for the Accept header of a request. */
#define IMAGE_MANIFEST_ACCEPT IMAGE_OCI_MANIFEST "," IMAGE_DOCKER_MANIFEST "," IMAGE_OCI_INDEX "," IMAGE_DOCKER_LIST

/* The maximum number of layers (Docker's limit), including the added one; maximum bytes of a manifest and a config. */
#define IMAGE_LAYERS_MAX   127
#define IMAGE_MANIFEST_MAX ((size_t)4 << 20)
#define IMAGE_CONFIG_MAX   ((size_t)4 << 20)
#define IMAGE_MEDIA_MAX	   128 /* bytes of a media type, with its NUL */

struct image_blob {
	char digest[IMAGE_DIGEST_SIZE];
	char media_type[IMAGE_MEDIA_MAX];
	uint64_t size; /* bytes, never 0 */
};

struct image_manifest {
	char media_type[IMAGE_MEDIA_MAX]; /* IMAGE_DOCKER_MANIFEST or IMAGE_OCI_MANIFEST */
	struct image_blob config;
	struct image_blob *layers; /* the lowest first; owned */
	size_t n_layers;
	cJSON *json; /* the whole document; owned */
};

struct image_layer;

/* True for an index: a list of images, one for each platform. media_type: of the reply, "" or NULL if unknown. */
bool image_manifest_is_index(const cJSON *json, const char *media_type);

/* Finds the digest of the image for Linux on an architecture, "x86_64" or "arm64". */
int image_manifest_choose(const cJSON *index, const char *architecture, char ret_digest[IMAGE_DIGEST_SIZE],
			  struct error *err);

/*
 * Reads the manifest of one image. media_type: of the reply, "" or NULL if unknown. Accepts only images that AWS Lambda
 * can run: layers compressed with gzip. The caller frees *ret with image_manifest_free; after an error *ret is empty.
 */
int image_manifest_parse(const void *data, size_t len, const char *media_type, struct image_manifest *ret,
			 struct error *err);
void image_manifest_free(struct image_manifest *m); /* frees the content, not the struct */

/*
 * Adds the layer to base and makes the runtime in it the entry point. config: the config document of base. All other
 * members of manifest and config are preserved; media types are Docker's or OCI's, as in base. ret_config and
 * ret_manifest must be empty; ret_digest is the digest of the new manifest.
 */
int image_assemble(const struct image_manifest *base, const void *config, size_t config_len, const char *architecture,
		   const struct image_layer *layer, struct buf *ret_config, struct buf *ret_manifest,
		   char ret_digest[IMAGE_DIGEST_SIZE], struct error *err);

/*
 * The tag of an assembled image, a hash of the digests of its parts: the same parts have the same tag, so the image is
 * built once. base_digest: of the index of the base, or of its manifest if there is no index.
 */
#define IMAGE_TAG_SIZE 32
int image_tag(const char *base_digest, const char *architecture, const char *layer_digest, char ret[IMAGE_TAG_SIZE]);

/* "sha256:" and the hash in hexadecimal. -ENOMEM. */
int image_digest(const void *data, size_t len, char ret[IMAGE_DIGEST_SIZE]);

#endif
