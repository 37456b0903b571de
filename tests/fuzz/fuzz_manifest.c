/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assembles a manifest and a config. Checks that the result is a manifest with one more layer. The input has both,
 * separated by a NUL.
 */
#include "image/layer.h"
#include "image/manifest.h"

#include "fuzz.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct image_layer layer = {.digest = DIGEST, .diff_id = DIGEST, .architecture = "x86_64"};

static void manifest_assemble(const struct image_manifest *base, const uint8_t *config, size_t len)
{
	struct buf new_config = BUF_INIT(IMAGE_CONFIG_MAX), new_manifest = BUF_INIT(IMAGE_MANIFEST_MAX);
	struct image_manifest again;
	char digest[IMAGE_DIGEST_SIZE];
	struct error err = {0};

	if (image_assemble(base, config, len, "x86_64", &layer, &new_config, &new_manifest, digest, &err) == 0) {
		fuzz_require(image_digest_is_valid(digest));
		fuzz_require(image_manifest_parse(new_manifest.data, new_manifest.len, "", &again, &err) == 0);
		fuzz_require(again.n_layers == base->n_layers + 1);
		image_manifest_free(&again);
	}
	buf_free(&new_config);
	buf_free(&new_manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *nul = len ? memchr(data, 0, len) : NULL;
	size_t manifest_len = nul ? (size_t)(nul - data) : len;
	cJSON *json = cJSON_ParseWithLength((const char *)data, manifest_len);
	struct image_manifest m;
	char digest[IMAGE_DIGEST_SIZE];
	struct error err = {0};

	if (!layer.data.data)
		buf_init(&layer.data, 16), buf_puts(&layer.data, "layer");
	if (image_manifest_is_index(json, "") && image_manifest_choose(json, "arm64", digest, &err) == 0)
		fuzz_require(image_digest_is_valid(digest));
	cJSON_Delete(json);
	if (image_manifest_parse(data, manifest_len, "", &m, &err) < 0)
		return 0;
	if (nul)
		manifest_assemble(&m, nul + 1, len - manifest_len - 1);
	image_manifest_free(&m);
	return 0;
}
