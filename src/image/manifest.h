/*
 * manifest.h - what an image is made of: OCI image manifests and indexes, and Docker's schema 2 and manifest lists.
 *
 * Sources: OCI image specification 1.1 (manifest, image index, config), Docker Registry image manifest version 2,
 * schema 2. What a registry says is not trusted: every digest, size and media type is checked. Pure.
 */
#ifndef VASTFS_IMAGE_MANIFEST_H
#define VASTFS_IMAGE_MANIFEST_H

#include "base/buf.h"
#include "image/layer.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define IMAGE_MANIFEST_MAX ((size_t)4 << 20) /* what registries take at most */
#define IMAGE_LAYERS_MAX   127		     /* what Docker and containerd mount at most */
#define IMAGE_MEDIA_MAX	   128

/* For a request's Accept header. */
#define IMAGE_MANIFEST_ACCEPT                                   \
	"application/vnd.oci.image.manifest.v1+json,"           \
	"application/vnd.docker.distribution.manifest.v2+json," \
	"application/vnd.oci.image.index.v1+json,"              \
	"application/vnd.docker.distribution.manifest.list.v2+json"

struct image_blob {
	char digest[IMAGE_DIGEST_SIZE];
	char media_type[IMAGE_MEDIA_MAX];
	uint64_t size; /* bytes */
};

struct image_manifest {
	char media_type[IMAGE_MEDIA_MAX];
	struct image_blob config;
	struct image_blob *layers; /* owned */
	size_t n_layers;
	cJSON *json; /* as it came; owned */
};

/* media_type: the reply's Content-Type, which counts if the document does not say. */
bool image_manifest_is_index(const cJSON *json, const char *media_type);

/*
 * The manifest of one platform of an index. architecture: "x86_64" or "arm64". -ENOENT with words that name what is
 * there, -EINVAL if the entry makes no sense or is an index again.
 */
int image_manifest_choose(const cJSON *index, const char *architecture, char ret_digest[IMAGE_DIGEST_SIZE],
			  struct error *err);

/*
 * -EBADMSG with words if it is no manifest, -EINVAL if it is one that Lambda cannot run: layers that are foreign or
 * compressed by anything else than gzip. image_manifest_free() in any case.
 */
int image_manifest_parse(const void *data, size_t len, const char *media_type, struct image_manifest *ret,
			 struct error *err);
void image_manifest_free(struct image_manifest *m);

/*
 * The base with the layer on top and IMAGE_ENTRY_POINT as its entry point; what vastfs does not know is kept as it is.
 * The same input makes the same bytes. -EINVAL with words if the base's config is for another platform, -EBADMSG if it
 * does not fit its manifest.
 */
int image_assemble(const struct image_manifest *base, const void *config, size_t config_len, const char *architecture,
		   const struct image_layer *layer, struct buf *ret_config, struct buf *ret_manifest,
		   struct error *err);

/* A tag that follows from what goes into the image: what has the same tag is the same. */
#define IMAGE_TAG_SIZE 32
int image_tag(const char *base_digest, const char *architecture, const char *layer_digest, char ret[IMAGE_TAG_SIZE]);

#endif
