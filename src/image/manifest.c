/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/manifest.h"

#include "base/json.h"
#include "image/reference.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define BLOB_MAX ((double)((uint64_t)10 << 30)) /* Lambda's limit for the whole uncompressed image is 10 GiB */

/* -- media types ------------------------------------------------------------------------------------------------ */

static const char *manifest_text(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

static const char *manifest_platform_architecture(const char *architecture)
{
	return strcmp(architecture, "x86_64") == 0 ? "amd64" : architecture;
}

/* A media type may come with parameters: "; charset=utf-8". */
static bool manifest_type_is(const char *media_type, const char *wanted)
{
	size_t len = media_type ? strcspn(media_type, "; \t") : 0;

	return len == strlen(wanted) && strncasecmp(media_type, wanted, len) == 0;
}

static bool manifest_type_is_index(const char *media_type)
{
	return manifest_type_is(media_type, IMAGE_DOCKER_LIST) || manifest_type_is(media_type, IMAGE_OCI_INDEX);
}

static bool type_is_manifest(const char *media_type)
{
	return manifest_type_is(media_type, IMAGE_DOCKER_MANIFEST) || manifest_type_is(media_type, IMAGE_OCI_MANIFEST);
}

static bool manifest_type_is_schema_1(const char *media_type)
{
	return manifest_type_is(media_type, "application/vnd.docker.distribution.manifest.v1+json") ||
	       manifest_type_is(media_type, "application/vnd.docker.distribution.manifest.v1+prettyjws");
}

bool image_manifest_is_index(const cJSON *json, const char *media_type)
{
	const char *own = manifest_text(json, "mediaType");

	if (*own)
		return manifest_type_is_index(own);
	if (manifest_type_is_index(media_type) || type_is_manifest(media_type))
		return manifest_type_is_index(media_type);
	return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "manifests")) &&
	       !cJSON_GetObjectItemCaseSensitive(json, "layers");
}

/* -- choosing a platform ---------------------------------------------------------------------------------------- */

/* Rates an entry: 0 another platform, 1 a variant of the architecture, 2 runs on every machine of the architecture. */
static int manifest_platform_fit(const cJSON *entry, const char *architecture)
{
	const cJSON *platform = cJSON_GetObjectItemCaseSensitive(entry, "platform");
	const char *variant = manifest_text(platform, "variant");

	if (strcmp(manifest_text(platform, "os"), "linux") != 0 ||
	    strcmp(manifest_text(platform, "architecture"), manifest_platform_architecture(architecture)) != 0)
		return 0;
	return !*variant || strcmp(variant, "v8") == 0 || strcmp(variant, "v1") == 0 ? 2 : 1;
}

static void manifest_platform_list(const cJSON *entries, struct buf *out)
{
	const cJSON *entry;

	cJSON_ArrayForEach (entry, entries) {
		const cJSON *platform = cJSON_GetObjectItemCaseSensitive(entry, "platform");
		const char *os = manifest_text(platform, "os"), *variant = manifest_text(platform, "variant");

		if (!*os || strcmp(os, "unknown") == 0)
			continue;
		buf_printf(out, "%s%.32s/%.32s%s%.16s", out->len ? ", " : "", os,
			   manifest_text(platform, "architecture"), *variant ? "/" : "", variant);
	}
}

static int manifest_platform_not_found(const cJSON *entries, const char *architecture, struct error *err)
{
	_buf_ struct buf names = BUF_INIT(512);
	const cJSON *entry;

	cJSON_ArrayForEach (entry, entries)
		if (manifest_type_is_index(manifest_text(entry, "mediaType")))
			return error_set(err, -EOPNOTSUPP,
					 "the index of the image has another index, %.72s, but no image for linux/%s",
					 manifest_text(entry, "digest"), manifest_platform_architecture(architecture));
	manifest_platform_list(entries, &names);
	error_set(err, -ENOENT, "no image for linux/%s; available: %s", manifest_platform_architecture(architecture),
		  names.len ? buf_str(&names) : "no image that names its platform");
	error_remedy(err, "set vast_image to another image, or set another architecture, in config/default.env");
	return -ENOENT;
}

int image_manifest_choose(const cJSON *index, const char *architecture, char ret_digest[IMAGE_DIGEST_SIZE],
			  struct error *err)
{
	const cJSON *entries = cJSON_GetObjectItemCaseSensitive(index, "manifests"), *entry, *best = NULL;
	const char *digest;
	int best_fit = 0;

	if (!cJSON_IsArray(entries))
		return error_set(err, -EBADMSG, "the index of the image has no list of manifests");
	cJSON_ArrayForEach (entry, entries) {
		int f = manifest_platform_fit(entry, architecture);

		if (f > best_fit) {
			best = entry;
			best_fit = f;
		}
	}
	if (!best)
		return manifest_platform_not_found(entries, architecture, err);
	digest = manifest_text(best, "digest");
	if (!image_digest_is_valid(digest))
		return error_set(err, -EBADMSG,
				 "the index of the image has '%.80s' for linux/%s, which is not a sha256 digest",
				 digest, manifest_platform_architecture(architecture));
	if (manifest_type_is_index(manifest_text(best, "mediaType")))
		return error_set(
			err, -EOPNOTSUPP,
			"the entry for linux/%s in the index of the image is another index, %s, which is not supported",
			manifest_platform_architecture(architecture), digest);
	snprintf(ret_digest, IMAGE_DIGEST_SIZE, "%s", digest);
	return 0;
}

/* -- descriptors ------------------------------------------------------------------------------------------------ */

static int manifest_parse_descriptor(const cJSON *o, const char *what, struct image_blob *ret, struct error *err)
{
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(o, "size");
	const char *digest = manifest_text(o, "digest"), *type = manifest_text(o, "mediaType");

	if (!cJSON_IsObject(o))
		return error_set(err, -EBADMSG, "the manifest of the image has no descriptor of its %s", what);
	if (!image_digest_is_valid(digest))
		return error_set(err, -EBADMSG,
				 "the descriptor of the image's %s has '%.80s', which is not a sha256 digest", what,
				 digest);
	if (!*type || strlen(type) >= sizeof(ret->media_type))
		return error_set(err, -EBADMSG, "the descriptor of the image's %s %s has no valid media type", what,
				 digest);
	if (!cJSON_IsNumber(size) || !(size->valuedouble >= 1) || floor(size->valuedouble) != size->valuedouble)
		return error_set(err, -EBADMSG, "the descriptor of the image's %s %s has no valid size", what, digest);
	if (size->valuedouble > BLOB_MAX)
		return error_set(err, -EFBIG, "the image's %s %s is larger than 10 GiB, the limit of Lambda", what,
				 digest);
	snprintf(ret->digest, sizeof(ret->digest), "%s", digest);
	snprintf(ret->media_type, sizeof(ret->media_type), "%s", type);
	ret->size = (uint64_t)size->valuedouble;
	return 0;
}

/* Why Lambda cannot use a layer of this media type, or NULL. */
static const char *manifest_layer_fault(const char *type)
{
	if (manifest_type_is(type, "application/vnd.docker.image.rootfs.diff.tar.gzip") ||
	    manifest_type_is(type, "application/vnd.oci.image.layer.v1.tar+gzip"))
		return NULL;
	if (strstr(type, ".foreign.") || strstr(type, ".nondistributable."))
		return "is foreign: its content is not in the registry";
	if (strstr(type, "+encrypted"))
		return "is encrypted";
	if (strstr(type, "zstd"))
		return "is compressed with zstd";
	if (manifest_type_is(type, "application/vnd.docker.image.rootfs.diff.tar") ||
	    manifest_type_is(type, "application/vnd.oci.image.layer.v1.tar"))
		return "is not compressed";
	return "has an unknown media type";
}

static int manifest_parse_layer(const cJSON *o, struct image_blob *ret, struct error *err)
{
	const char *trouble;
	int r = manifest_parse_descriptor(o, "layer", ret, err);

	if (r < 0)
		return r;
	trouble = manifest_layer_fault(ret->media_type);
	if (!trouble)
		return 0;
	error_set(err, -EOPNOTSUPP, "layer %s %s (%s); Lambda supports only gzip", ret->digest, trouble,
		  ret->media_type);
	error_remedy(err,
		     "copy the image with gzip layers to your own registry and set vast_image to the copy: skopeo copy "
		     "--dest-compress-format gzip docker://IMAGE docker://YOUR-REGISTRY/NAME");
	return -EOPNOTSUPP;
}

static int manifest_parse_layers(const cJSON *list, struct image_manifest *m, struct error *err)
{
	const cJSON *o;
	int n = cJSON_GetArraySize(list), r;

	if (!cJSON_IsArray(list) || n == 0)
		return error_set(err, -EBADMSG, "the manifest of the image has no layers");
	if (n > IMAGE_LAYERS_MAX)
		return error_set(err, -EOPNOTSUPP, "the image has %d layers; the maximum is %d", n, IMAGE_LAYERS_MAX);
	m->layers = calloc((size_t)n, sizeof(*m->layers));
	if (!m->layers)
		return -ENOMEM;
	cJSON_ArrayForEach (o, list) {
		r = manifest_parse_layer(o, &m->layers[m->n_layers++], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int manifest_parse_config(const cJSON *o, struct image_manifest *m, struct error *err)
{
	int r = manifest_parse_descriptor(o, "config", &m->config, err);

	if (r < 0)
		return r;
	if (!manifest_type_is(m->config.media_type, "application/vnd.docker.container.image.v1+json") &&
	    !manifest_type_is(m->config.media_type, "application/vnd.oci.image.config.v1+json"))
		return error_set(err, -EOPNOTSUPP, "not a container image: the media type of its config is %s",
				 m->config.media_type);
	if (m->config.size > IMAGE_CONFIG_MAX)
		return error_set(err, -EFBIG, "the config of the image is larger than %zu bytes", IMAGE_CONFIG_MAX);
	return 0;
}

/* -- the document ----------------------------------------------------------------------------------------------- */

static int manifest_refuse_schema_1(struct error *err)
{
	error_set(err, -EOPNOTSUPP,
		  "the manifest of the image has Docker's schema version 1, which AWS does not support");
	error_remedy(
		err,
		"convert the image into your own registry and set vast_image to the copy: skopeo copy --format v2s2 "
		"docker://IMAGE docker://YOUR-REGISTRY/NAME");
	return -EOPNOTSUPP;
}

/* Content-Type and mediaType must agree: else two clients could read one document as different images. */
static int manifest_check_type(const char *own, const char *media_type, struct error *err)
{
	bool known = type_is_manifest(media_type) || manifest_type_is_index(media_type) ||
		     manifest_type_is_schema_1(media_type);

	if (!*own || !known || manifest_type_is(media_type, own))
		return 0;
	return error_set(err, -EBADMSG,
			 "the media type in the manifest of the image is %.80s, in the reply of the registry %.80s",
			 own, media_type);
}

static int manifest_parse_type(const char *media_type, struct image_manifest *m, struct error *err)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(m->json, "schemaVersion");
	const char *own = manifest_text(m->json, "mediaType"), *type = *own || !media_type ? own : media_type;
	bool has_layers = cJSON_GetObjectItemCaseSensitive(m->json, "layers") != NULL;

	if (manifest_type_is_schema_1(type) || (cJSON_IsNumber(version) && version->valuedouble == 1))
		return manifest_refuse_schema_1(err);
	if (manifest_check_type(own, media_type, err) < 0)
		return -EBADMSG;
	if (!cJSON_IsNumber(version) || version->valuedouble != 2)
		return error_set(err, -EBADMSG, "the manifest of the image does not have schema version 2");
	if (cJSON_GetObjectItemCaseSensitive(m->json, "manifests") || manifest_type_is_index(type))
		return error_set(
			err, -EBADMSG,
			has_layers ? "the manifest of the image is both a manifest and an index"
				   : "the manifest of the image is an index instead of the manifest of one image");
	if (*own && !type_is_manifest(own))
		return error_set(err, -EOPNOTSUPP, "the manifest of the image has an unknown media type: %.100s", own);
	snprintf(m->media_type, sizeof(m->media_type), "%s",
		 manifest_type_is(type, IMAGE_DOCKER_MANIFEST) ? IMAGE_DOCKER_MANIFEST : IMAGE_OCI_MANIFEST);
	return 0;
}

static int manifest_parse_members(const char *media_type, struct image_manifest *m, struct error *err)
{
	int r = manifest_parse_type(media_type, m, err);

	if (r == 0)
		r = manifest_parse_config(cJSON_GetObjectItemCaseSensitive(m->json, "config"), m, err);
	if (r == 0)
		r = manifest_parse_layers(cJSON_GetObjectItemCaseSensitive(m->json, "layers"), m, err);
	return r;
}

int image_manifest_parse(const void *data, size_t len, const char *media_type, struct image_manifest *ret,
			 struct error *err)
{
	int r;

	*ret = (struct image_manifest){0};
	if (manifest_type_is_schema_1(media_type))
		return manifest_refuse_schema_1(err);
	if (len > IMAGE_MANIFEST_MAX)
		return error_set(err, -EFBIG, "the manifest of the image is larger than %zu bytes", IMAGE_MANIFEST_MAX);
	r = json_parse(data, len, &ret->json, NULL);
	if (r == -ENOMEM)
		return r;
	if (!cJSON_IsObject(ret->json)) {
		image_manifest_free(ret);
		return error_set(err, -EBADMSG, "the manifest of the image is not a JSON object");
	}
	r = manifest_parse_members(media_type, ret, err);
	if (r < 0)
		image_manifest_free(ret);
	return r;
}

void image_manifest_free(struct image_manifest *m)
{
	cJSON_Delete(m->json);
	free(m->layers);
	*m = (struct image_manifest){0};
}
