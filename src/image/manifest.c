#include "image/manifest.h"

#include <string.h>

#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST	"application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_LAYER	"application/vnd.docker.image.rootfs.diff.tar.gzip"
#define OCI_MANIFEST	"application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX	"application/vnd.oci.image.index.v1+json"
#define OCI_LAYER	"application/vnd.oci.image.layer.v1.tar+gzip"

#define BLOB_MAX     (UINT64_C(64) << 30) /* an image of Lambda has 10 GB at most */
#define PLATFORM_MAX 300

/* Of the image that is made; another way to make it is another tag. */
#define FORMAT "1"

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static const char *media_type_of(const cJSON *json, const char *fallback)
{
	const char *own = text_of(json, "mediaType");

	return *own ? own : fallback;
}

/* -- indexes --------------------------------------------------------------------------------------------------- */

static bool is_index_type(const char *media_type)
{
	return strcmp(media_type, OCI_INDEX) == 0 || strcmp(media_type, DOCKER_LIST) == 0;
}

bool image_manifest_is_index(const cJSON *json, const char *media_type)
{
	return is_index_type(media_type_of(json, media_type)) ||
	       (!cJSON_GetObjectItemCaseSensitive(json, "layers") &&
		cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "manifests")));
}

/* What Go calls the processor, as images do. */
static const char *go_architecture(const char *architecture)
{
	return strcmp(architecture, "x86_64") == 0 ? "amd64" : architecture;
}

static int no_such_platform(const cJSON *entries, const char *architecture, struct error *err)
{
	char there[PLATFORM_MAX] = "";
	const cJSON *entry;

	cJSON_ArrayForEach (entry, entries) {
		const cJSON *platform = cJSON_GetObjectItemCaseSensitive(entry, "platform");
		size_t n = strlen(there);

		/* Attestations are listed as images for an unknown platform. */
		if (*text_of(platform, "os") && strcmp(text_of(platform, "os"), "unknown") != 0)
			snprintf(there + n, sizeof(there) - n, "%s%s/%s", n ? ", " : "", text_of(platform, "os"),
				 text_of(platform, "architecture"));
	}
	error_set(err, -ENOENT, "the image is not there for linux/%s; it is for %s", go_architecture(architecture),
		  *there ? there : "no platform at all");
	error_remedy(err, "set architecture or vast_image so that they fit");
	return -ENOENT;
}

int image_manifest_choose(const cJSON *index, const char *architecture, char ret_digest[IMAGE_DIGEST_SIZE],
			  struct error *err)
{
	const cJSON *entries = cJSON_GetObjectItemCaseSensitive(index, "manifests"), *entry;

	cJSON_ArrayForEach (entry, entries) {
		const cJSON *platform = cJSON_GetObjectItemCaseSensitive(entry, "platform");
		const char *digest = text_of(entry, "digest");

		if (strcmp(text_of(platform, "os"), "linux") != 0 ||
		    strcmp(text_of(platform, "architecture"), go_architecture(architecture)) != 0)
			continue;
		if (is_index_type(text_of(entry, "mediaType")))
			return error_set(err, -EINVAL,
					 "the image's index lists another index for linux/%s, %.80s; "
					 "that is not supported",
					 go_architecture(architecture), digest);
		if (!image_digest_is_valid(digest))
			return error_set(err, -EBADMSG, "the image's index has a malformed digest: %.80s", digest);
		strcpy(ret_digest, digest);
		return 0;
	}
	return no_such_platform(entries, architecture, err);
}

/* -- manifests ------------------------------------------------------------------------------------------------- */

static int malformed(struct error *err, const char *what)
{
	return error_set(err, -EBADMSG, "the image's manifest makes no sense: %s", what);
}

static int take_blob(const cJSON *json, struct image_blob *ret, struct error *err)
{
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(json, "size");

	if (!image_digest_is_valid(text_of(json, "digest")))
		return malformed(err, "a part has no sha256 digest");
	if (!cJSON_IsNumber(size) || !(size->valuedouble >= 0) || size->valuedouble > (double)BLOB_MAX ||
	    size->valuedouble != (double)(uint64_t)size->valuedouble)
		return malformed(err, "a part has no size");
	if (strlen(text_of(json, "mediaType")) >= sizeof(ret->media_type))
		return malformed(err, "a media type is too long");
	strcpy(ret->digest, text_of(json, "digest"));
	strcpy(ret->media_type, text_of(json, "mediaType"));
	ret->size = (uint64_t)size->valuedouble;
	return 0;
}

/* Lambda takes layers compressed with gzip and no other (UnsupportedImageLayerDetected). */
static int check_layer(const struct image_blob *layer, struct error *err)
{
	const char *why = "is of a kind that Lambda cannot run";

	if (strcmp(layer->media_type, DOCKER_LAYER) == 0 || strcmp(layer->media_type, OCI_LAYER) == 0)
		return 0;
	if (strstr(layer->media_type, "zstd"))
		why = "is compressed with zstd, which Lambda cannot run";
	else if (strstr(layer->media_type, "foreign") || strstr(layer->media_type, "nondistributable"))
		why = "is foreign: it is not in the registry";
	else if (strstr(layer->media_type, ".tar"))
		why = "is not compressed, which Lambda cannot run";
	error_set(err, -EINVAL, "the layer %.19s %s (%s)", layer->digest, why, layer->media_type);
	error_remedy(err, "choose an image with gzip layers, or copy it with: skopeo copy --dest-compress-format gzip");
	return -EINVAL;
}

static int take_layers(const cJSON *layers, struct image_manifest *ret, struct error *err)
{
	int n = cJSON_GetArraySize(layers), r;
	const cJSON *layer;

	if (!cJSON_IsArray(layers))
		return malformed(err, "it has no layers");
	if (n > IMAGE_LAYERS_MAX - 1)
		return error_set(err, -EINVAL, "the image has %d layers; with the runtime's it may have %d", n,
				 IMAGE_LAYERS_MAX);
	ret->layers = calloc((size_t)n + 1, sizeof(*ret->layers));
	if (!ret->layers)
		return -ENOMEM;
	cJSON_ArrayForEach (layer, layers) {
		r = take_blob(layer, &ret->layers[ret->n_layers], err);
		if (r == 0)
			r = check_layer(&ret->layers[ret->n_layers], err);
		if (r < 0)
			return r;
		ret->n_layers++;
	}
	return 0;
}

static int take_manifest(const char *media_type, struct image_manifest *ret, struct error *err)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(ret->json, "schemaVersion");
	const char *type = media_type_of(ret->json, media_type);
	int r;

	if (!cJSON_IsObject(ret->json))
		return malformed(err, "it is not a JSON object");
	if (cJSON_IsNumber(version) && version->valueint == 1)
		return error_set(err, -EINVAL,
				 "the image has a manifest of Docker's schema 1, which no registry should "
				 "serve any more: push it anew");
	if (image_manifest_is_index(ret->json, media_type))
		return malformed(err, "an index in the place of an image");
	if (strcmp(type, OCI_MANIFEST) != 0 && strcmp(type, DOCKER_MANIFEST) != 0)
		return malformed(err, "it is of an unknown kind");
	strcpy(ret->media_type, type);
	r = take_blob(cJSON_GetObjectItemCaseSensitive(ret->json, "config"), &ret->config, err);
	if (r < 0)
		return r;
	if (ret->config.size > IMAGE_MANIFEST_MAX)
		return malformed(err, "its config is larger than 4 MiB");
	return take_layers(cJSON_GetObjectItemCaseSensitive(ret->json, "layers"), ret, err);
}

int image_manifest_parse(const void *data, size_t len, const char *media_type, struct image_manifest *ret,
			 struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->json = cJSON_ParseWithLength(data, len);
	if (!ret->json)
		return malformed(err, "it is not JSON");
	return take_manifest(media_type, ret, err);
}

void image_manifest_free(struct image_manifest *m)
{
	free(m->layers);
	cJSON_Delete(m->json);
	memset(m, 0, sizeof(*m));
}

/* -- assembling ------------------------------------------------------------------------------------------------ */

static int check_config(const cJSON *config, const struct image_manifest *base, const char *architecture,
			struct error *err)
{
	const cJSON *rootfs = cJSON_GetObjectItemCaseSensitive(config, "rootfs");
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(rootfs, "diff_ids");

	if (!cJSON_IsObject(config))
		return malformed(err, "its config is not a JSON object");
	if (strcmp(text_of(config, "os"), "linux") != 0 ||
	    strcmp(text_of(config, "architecture"), go_architecture(architecture)) != 0) {
		error_set(err, -EINVAL, "the image is for %.40s/%.40s, not for linux/%s", text_of(config, "os"),
			  text_of(config, "architecture"), go_architecture(architecture));
		error_remedy(err, "set architecture or vast_image so that they fit");
		return -EINVAL;
	}
	if (!cJSON_IsArray(ids) || (size_t)cJSON_GetArraySize(ids) != base->n_layers)
		return malformed(err, "its config does not list the layers");
	return 0;
}

static bool put_text(cJSON *object, const char *key, const char *text)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return cJSON_AddStringToObject(object, key, text) != NULL;
}

static bool put_number(cJSON *object, const char *key, double number)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return cJSON_AddNumberToObject(object, key, number) != NULL;
}

static cJSON *member_object(cJSON *object, const char *key)
{
	cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);

	if (cJSON_IsObject(member))
		return member;
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return cJSON_AddObjectToObject(object, key);
}

static bool add_history(cJSON *config)
{
	cJSON *history = cJSON_GetObjectItemCaseSensitive(config, "history"), *entry;

	/* It is optional; one that says nothing of the layers below would be wrong with an entry of ours alone. */
	if (!cJSON_IsArray(history))
		return true;
	entry = cJSON_CreateObject();
	return cJSON_AddItemToArray(history, entry) &&
	       cJSON_AddStringToObject(entry, "created", "1970-01-01T00:00:00Z") &&
	       cJSON_AddStringToObject(entry, "created_by", "vastfs: " IMAGE_ENTRY_POINT);
}

static bool edit_config(cJSON *config, const struct image_layer *layer)
{
	cJSON *ids = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(config, "rootfs"), "diff_ids");
	cJSON *run = member_object(config, "config"), *entry_point;

	cJSON_DeleteItemFromObjectCaseSensitive(run, "Entrypoint");
	cJSON_DeleteItemFromObjectCaseSensitive(run, "Cmd");
	entry_point = cJSON_AddArrayToObject(run, "Entrypoint");
	return cJSON_AddItemToArray(entry_point, cJSON_CreateString(IMAGE_ENTRY_POINT)) &&
	       cJSON_AddItemToArray(ids, cJSON_CreateString(layer->diff_id)) && add_history(config);
}

static bool edit_manifest(cJSON *manifest, const struct image_manifest *base, const char *config_digest,
			  size_t config_len, const struct image_layer *layer)
{
	bool oci = strcmp(base->media_type, OCI_MANIFEST) == 0;
	cJSON *config = cJSON_GetObjectItemCaseSensitive(manifest, "config"), *added = cJSON_CreateObject();

	return cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(manifest, "layers"), added) &&
	       cJSON_AddStringToObject(added, "mediaType", oci ? OCI_LAYER : DOCKER_LAYER) &&
	       put_number(added, "size", (double)layer->data.len) && put_text(added, "digest", layer->digest) &&
	       put_number(config, "size", (double)config_len) && put_text(config, "digest", config_digest) &&
	       put_text(manifest, "mediaType", base->media_type);
}

static int print(const cJSON *json, struct buf *out)
{
	_free_ char *text = cJSON_PrintUnformatted(json);

	return text ? buf_puts(out, text) : -ENOMEM;
}

static int make_config(const struct image_manifest *base, const void *data, size_t len, const char *architecture,
		       const struct image_layer *layer, struct buf *out, struct error *err)
{
	cJSON *config = cJSON_ParseWithLength(data, len);
	int r = check_config(config, base, architecture, err);

	if (r == 0)
		r = edit_config(config, layer) ? print(config, out) : -ENOMEM;
	cJSON_Delete(config);
	return r;
}

int image_assemble(const struct image_manifest *base, const void *config, size_t config_len, const char *architecture,
		   const struct image_layer *layer, struct buf *ret_config, struct buf *ret_manifest, struct error *err)
{
	char digest[IMAGE_DIGEST_SIZE];
	cJSON *manifest;
	int r = make_config(base, config, config_len, architecture, layer, ret_config, err);

	if (r == 0)
		r = image_digest(buf_str(ret_config), ret_config->len, digest);
	if (r < 0)
		return r;
	manifest = cJSON_Duplicate(base->json, true);
	r = manifest && edit_manifest(manifest, base, digest, ret_config->len, layer) ? print(manifest, ret_manifest)
										      : -ENOMEM;
	cJSON_Delete(manifest);
	return r;
}

int image_tag(const char *base_digest, const char *architecture, const char *layer_digest, char ret[IMAGE_TAG_SIZE])
{
	_buf_ struct buf inputs = BUF_INIT(1024);
	char digest[IMAGE_DIGEST_SIZE];
	int r = buf_printf(&inputs, "%s\n%s\n%s\n" FORMAT "\n", base_digest, architecture, layer_digest);

	if (r == 0)
		r = image_digest(inputs.data, inputs.len, digest);
	if (r == 0)
		snprintf(ret, IMAGE_TAG_SIZE, "vastfs-%.20s", digest + strlen("sha256:"));
	return r;
}
