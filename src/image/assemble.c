/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/json.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/reference.h"

#include <string.h>

#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define OCI_LAYER    "application/vnd.oci.image.layer.v1.tar+gzip"

static cJSON *assemble_json_at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const char *assemble_json_text(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(assemble_json_at(o, key));

	return text ? text : "";
}

/* Removes every member with the key: if there are two members with one key, cJSON takes the first and other parsers
 * take the last. */
static void assemble_json_drop(cJSON *o, const char *key)
{
	while (assemble_json_at(o, key))
		cJSON_DeleteItemFromObjectCaseSensitive(o, key);
}

/* Sets a member; takes ownership of the value, also on failure. */
static int assemble_json_put(cJSON *o, const char *key, cJSON *value)
{
	assemble_json_drop(o, key);
	if (value && cJSON_AddItemToObject(o, key, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

static int assemble_json_append(cJSON *list, cJSON *value)
{
	if (value && cJSON_AddItemToArray(list, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

static int assemble_json_print(const cJSON *json, struct buf *out)
{
	_free_ char *text = cJSON_PrintUnformatted(json);

	return text ? buf_puts(out, text) : -ENOMEM;
}

/* -- config ----------------------------------------------------------------------------------------------------- */

static int assemble_check_platform(const cJSON *config, const char *architecture, const struct image_layer *layer,
				   struct error *err)
{
	const char *os = assemble_json_text(config, "os"), *found = assemble_json_text(config, "architecture");
	const char *wanted = strcmp(architecture, "x86_64") == 0 ? "amd64" : architecture;

	if (strcmp(os, "linux") != 0 || strcmp(found, wanted) != 0) {
		error_set(err, -EOPNOTSUPP, "the image is for %.32s/%.32s; linux/%s is needed", *os ? os : "?",
			  *found ? found : "?", wanted);
		error_remedy(err,
			     "set vast_image to another image, or set another architecture, in config/default.env");
		return -EOPNOTSUPP;
	}
	if (*layer->architecture && strcmp(layer->architecture, architecture) != 0)
		return error_set(err, -EOPNOTSUPP, "vast-lambda-runtime is a program for %s; %s is needed",
				 layer->architecture, architecture);
	return 0;
}

static int assemble_add_diff_id(cJSON *config, const struct image_manifest *base, const struct image_layer *layer,
				struct error *err)
{
	cJSON *rootfs = assemble_json_at(config, "rootfs"), *ids = assemble_json_at(rootfs, "diff_ids");
	const cJSON *id;

	if (strcmp(assemble_json_text(rootfs, "type"), "layers") != 0 || !cJSON_IsArray(ids))
		return error_set(err, -EBADMSG, "the config of the image does not list its layers");
	if (cJSON_GetArraySize(ids) != (int)base->n_layers)
		return error_set(err, -EBADMSG, "the config of the image lists %d layers, its manifest %zu",
				 cJSON_GetArraySize(ids), base->n_layers);
	cJSON_ArrayForEach (id, ids)
		if (!cJSON_IsString(id) || !image_digest_is_valid(id->valuestring))
			return error_set(err, -EBADMSG, "a layer in the config of the image has no sha256 digest");
	return assemble_json_append(ids, cJSON_CreateString(layer->diff_id));
}

/* A fixed time, as in the layer's archive: the entry must not depend on when it is made. */
static int assemble_add_history_entry(cJSON *history, const char *by)
{
	cJSON *entry = cJSON_CreateObject();

	if (!entry || !cJSON_AddStringToObject(entry, "created", "1970-01-01T00:00:00Z") ||
	    !cJSON_AddStringToObject(entry, "created_by", by)) {
		cJSON_Delete(entry);
		return -ENOMEM;
	}
	return assemble_json_append(history, entry);
}

/* The history is optional. If it exists, it has one entry for each layer that is not empty. */
static int assemble_add_history(cJSON *config, const struct image_manifest *base, struct error *err)
{
	cJSON *history = assemble_json_at(config, "history"), *entry;
	size_t layers = 0;
	int r = 0;

	if (!cJSON_IsArray(history)) {
		if (history && !cJSON_IsNull(history))
			return error_set(err, -EBADMSG, "the history in the config of the image is not a list");
		r = assemble_json_put(config, "history", cJSON_CreateArray());
		if (r < 0)
			return r;
		history = assemble_json_at(config, "history");
	}
	cJSON_ArrayForEach (entry, history)
		layers += !cJSON_IsTrue(assemble_json_at(entry, "empty_layer"));
	if (layers > base->n_layers)
		return error_set(err, -EBADMSG,
				 "the history in the config of the image has %zu layers, its manifest %zu", layers,
				 base->n_layers);
	for (; layers < base->n_layers && r == 0; layers++)
		r = assemble_add_history_entry(history, "a layer of the base image without a history");
	return r < 0 ? r : assemble_add_history_entry(history, "vastfs: the runtime for AWS Lambda");
}

static int assemble_set_entry_point(cJSON *config, struct error *err)
{
	static const char *const path[] = {IMAGE_RUNTIME_PATH};
	cJSON *run = assemble_json_at(config, "config");
	int r;

	if (!cJSON_IsObject(run)) {
		if (run && !cJSON_IsNull(run))
			return error_set(err, -EBADMSG,
					 "the member 'config' in the config of the image is not an object");
		r = assemble_json_put(config, "config", cJSON_CreateObject());
		if (r < 0)
			return r;
		run = assemble_json_at(config, "config");
	}
	assemble_json_drop(run, "Cmd");
	return assemble_json_put(run, "Entrypoint", cJSON_CreateStringArray(path, 1));
}

static int assemble_config(const struct image_manifest *base, const void *data, size_t len, const char *architecture,
			   const struct image_layer *layer, struct buf *out, struct error *err)
{
	_json_ cJSON *config = NULL;
	char digest[IMAGE_DIGEST_SIZE];
	int r = image_digest(data, len, digest);

	if (r == 0 && len <= IMAGE_CONFIG_MAX && json_parse(data, len, &config, NULL) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	if (strcmp(digest, base->config.digest) != 0)
		return error_set(err, -EBADMSG, "the config of the image has the digest %s; its manifest names %s",
				 digest, base->config.digest);
	if (!cJSON_IsObject(config))
		return error_set(err, -EBADMSG, "the config of the image is not a JSON object");
	r = assemble_check_platform(config, architecture, layer, err);
	if (r == 0)
		r = assemble_add_diff_id(config, base, layer, err);
	if (r == 0)
		r = assemble_add_history(config, base, err);
	if (r == 0)
		r = assemble_set_entry_point(config, err);
	return r < 0 ? r : assemble_json_print(config, out);
}

/* -- manifest --------------------------------------------------------------------------------------------------- */

static cJSON *assemble_descriptor(const char *media_type, size_t size, const char *digest)
{
	_json_ cJSON *blob = cJSON_CreateObject();

	if (!blob || !cJSON_AddStringToObject(blob, "mediaType", media_type) ||
	    !cJSON_AddNumberToObject(blob, "size", (double)size) || !cJSON_AddStringToObject(blob, "digest", digest))
		return NULL;
	return move_ptr(blob);
}

static int assemble_manifest(const struct image_manifest *base, const struct buf *config,
			     const struct image_layer *layer, struct buf *out)
{
	_json_ cJSON *manifest = cJSON_Duplicate(base->json, true);
	bool docker = strcmp(base->media_type, IMAGE_DOCKER_MANIFEST) == 0;
	char digest[IMAGE_DIGEST_SIZE];
	int r;

	if (!manifest)
		return -ENOMEM;
	r = image_digest(config->data, config->len, digest);
	if (r == 0)
		r = assemble_json_put(manifest, "mediaType", cJSON_CreateString(base->media_type));
	if (r == 0)
		r = assemble_json_put(manifest, "config",
				      assemble_descriptor(base->config.media_type, config->len, digest));
	if (r == 0)
		r = assemble_json_append(
			assemble_json_at(manifest, "layers"),
			assemble_descriptor(docker ? DOCKER_LAYER : OCI_LAYER, layer->data.len, layer->digest));
	/* A subject attaches this manifest to another one (OCI referrers), which the target registry does not have. */
	assemble_json_drop(manifest, "subject");
	return r < 0 ? r : assemble_json_print(manifest, out);
}

int image_assemble(const struct image_manifest *base, const void *config, size_t config_len, const char *architecture,
		   const struct image_layer *layer, struct buf *ret_config, struct buf *ret_manifest,
		   char ret_digest[IMAGE_DIGEST_SIZE], struct error *err)
{
	int r;

	if (base->n_layers >= IMAGE_LAYERS_MAX)
		return error_set(err, -EOPNOTSUPP, "the image has %zu layers; vastfs adds one, and the maximum is %d",
				 base->n_layers, IMAGE_LAYERS_MAX);
	r = assemble_config(base, config, config_len, architecture, layer, ret_config, err);
	if (r < 0)
		return r;
	r = assemble_manifest(base, ret_config, layer, ret_manifest);
	if (r < 0)
		return r;
	return image_digest(ret_manifest->data, ret_manifest->len, ret_digest);
}
