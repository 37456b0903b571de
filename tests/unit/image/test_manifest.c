/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/layer.h"
#include "image/manifest.h"
#include "image/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A	   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B	   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A	   "sha256:" HEX_A
#define B	   "sha256:" HEX_B
#define DOCKER_CFG "application/vnd.docker.container.image.v1+json"
#define OCI_CFG	   "application/vnd.oci.image.config.v1+json"
#define DOCKER_GZ  "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define OCI_GZ	   "application/vnd.oci.image.layer.v1.tar+gzip"

#define BLOB(type, size, digest)       "{\"mediaType\":\"" type "\",\"size\":" size ",\"digest\":\"" digest "\"}"
#define HEAD			       "{\"schemaVersion\":2,"
#define MANIFEST(type, config, layers) HEAD "\"mediaType\":\"" type "\",\"config\":" config ",\"layers\":[" layers "]}"
#define DOCKER_BASE                                                 \
	MANIFEST(IMAGE_DOCKER_MANIFEST, BLOB(DOCKER_CFG, "100", A), \
		 BLOB(DOCKER_GZ, "32", A) "," BLOB(DOCKER_GZ, "4000000000", B))

/* The config of an image with two layers, one empty entry in its history, and a member that vastfs does not know. */
#define CONFIG                                                                                                       \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-05-06T07:08:09.123456789Z\","               \
	"\"config\":{\"Env\":[\"PATH=/"                                                                              \
	"bin\"],\"Cmd\":[\"a\"],\"Entrypoint\":[\"b\"],\"Healthcheck\":{\"Interval\":30000000000}},"                 \
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"" B "\"]},"                                       \
	"\"history\":[{\"created_by\":\"x\"},{\"created_by\":\"ENV\",\"empty_layer\":true},{\"created_by\":\"y\"}]," \
	"\"moby.buildkit.buildinfo.v1\":\"e30=\"}"

static int parse(const char *text, const char *type, struct image_manifest *ret, struct error *err)
{
	*err = (struct error){0};
	return image_manifest_parse(text, strlen(text), type, ret, err);
}

static void refuse(const char *text, const char *type, int errnum, const char *words)
{
	struct image_manifest m;
	struct error err;

	assert_int_equal(parse(text, type, &m, &err), errnum);
	if (!strstr(err.message, words))
		fail_msg("'%s' does not say '%s'", err.message, words);
	assert_null(m.json);
	assert_null(m.layers);
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static void test_docker_and_oci_manifests_are_read(void **state)
{
	struct image_manifest m;
	struct error err;

	(void)state;
	assert_int_equal(parse(DOCKER_BASE, IMAGE_DOCKER_MANIFEST "; charset=utf-8", &m, &err), 0);
	assert_string_equal(m.media_type, IMAGE_DOCKER_MANIFEST);
	assert_string_equal(m.config.digest, A);
	assert_int_equal(m.config.size, 100);
	assert_int_equal(m.n_layers, 2);
	assert_string_equal(m.layers[1].digest, B);
	assert_true(m.layers[1].size == 4000000000);
	image_manifest_free(&m);
	/* OCI's media type is optional in the document, and a proxy may hide the media type of the reply. */
	assert_int_equal(parse(HEAD "\"config\":" BLOB(OCI_CFG, "2", A) ",\"layers\":[" BLOB(OCI_GZ, "1", B) "]}",
			       "application/json", &m, &err),
			 0);
	assert_string_equal(m.media_type, IMAGE_OCI_MANIFEST);
	image_manifest_free(&m);
	image_manifest_free(&m);
}

static void test_what_lambda_cannot_run_is_refused_with_a_remedy(void **state)
{
	static const struct {
		const char *type, *words;
	} rows[] = {
		{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign"},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign"},
		{"application/vnd.oci.image.layer.v1.tar+zstd", "zstd"},
		{"application/vnd.oci.image.layer.v1.tar", "not compressed"},
		{"application/vnd.docker.image.rootfs.diff.tar", "not compressed"},
		{"application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"},
		{"text/plain", "unknown"},
	};
	struct image_manifest m;
	struct error err;
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text),
			 HEAD "\"config\":" BLOB(OCI_CFG, "2", A) ",\"layers\":[" BLOB("%s", "9", B) "]}",
			 rows[i].type);
		assert_int_equal(parse(text, IMAGE_OCI_MANIFEST, &m, &err), -EOPNOTSUPP);
		assert_non_null(strstr(err.message, rows[i].words));
		assert_non_null(strstr(err.remedy, "gzip"));
	}
}

static void test_schema_1_is_refused_with_a_remedy(void **state)
{
	struct image_manifest m;
	struct error err;

	(void)state;
	assert_int_equal(parse("{\"schemaVersion\":1,\"fsLayers\":[]}", "", &m, &err), -EOPNOTSUPP);
	assert_true(*err.remedy);
	refuse("not even JSON", "application/vnd.docker.distribution.manifest.v1+prettyjws", -EOPNOTSUPP,
	       "schema version 1");
}

static void test_a_document_is_one_thing(void **state)
{
	(void)state;
	refuse(DOCKER_BASE, IMAGE_OCI_MANIFEST, -EBADMSG, "in the reply of the registry");
	refuse(DOCKER_BASE, IMAGE_OCI_INDEX, -EBADMSG, "in the reply of the registry");
	refuse(HEAD "\"manifests\":[]}", IMAGE_OCI_MANIFEST, -EBADMSG, "is an index");
	refuse(HEAD "\"manifests\":[],\"layers\":[]}", "", -EBADMSG, "both a manifest and an index");
	refuse(HEAD "\"mediaType\":\"application/x\"}", "", -EOPNOTSUPP, "application/x");
	refuse(MANIFEST(IMAGE_OCI_MANIFEST, BLOB("application/vnd.cncf.helm.config.v1+json", "2", A),
			BLOB(OCI_GZ, "1", B)),
	       "", -EOPNOTSUPP, "helm");
}

#define WITH_LAYER(layer) MANIFEST(IMAGE_OCI_MANIFEST, BLOB(OCI_CFG, "2", A), layer)

static void test_hostile_manifests_are_refused(void **state)
{
	static const char *const malformed[] = {
		"",
		"{",
		"[]",
		"null",
		"17",
		"\"x\"",
		"{}",
		HEAD "\"layers\":[]}",
		HEAD "\"config\":7,\"layers\":[]}",
		"{\"schemaVersion\":\"2\"}",
		"{\"schemaVersion\":3}",
		WITH_LAYER(""),
		WITH_LAYER("7"),
		WITH_LAYER("null"),
		WITH_LAYER("{}"),
		WITH_LAYER("[]"),
		WITH_LAYER(BLOB(OCI_GZ, "-1", B)),
		WITH_LAYER(BLOB(OCI_GZ, "0", B)),
		WITH_LAYER(BLOB(OCI_GZ, "1.5", B)),
		WITH_LAYER(BLOB(OCI_GZ, "\"1\"", B)),
		WITH_LAYER(BLOB(OCI_GZ, "null", B)),
		WITH_LAYER(BLOB(OCI_GZ, "1", "")),
		WITH_LAYER(BLOB(OCI_GZ, "1", "sha256:" HEX_A "a")),
		WITH_LAYER(BLOB(OCI_GZ, "1", "sha512:" HEX_A HEX_A)),
		WITH_LAYER(BLOB(OCI_GZ, "1", "sha256:../../../../../etc/passwd")),
		WITH_LAYER(BLOB("", "1", B)),
		WITH_LAYER(BLOB(HEX_A HEX_A, "1", B)),
		HEAD "\"config\":" BLOB(OCI_CFG, "2", A) ",\"layers\":{\"a\":" BLOB(OCI_GZ, "1", B) "}}",
	};
	struct image_manifest m;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		if (parse(malformed[i], "", &m, &err) != -EBADMSG)
			fail_msg("%s: %s", malformed[i], err.message);
		assert_true(*err.message);
	}
	refuse(WITH_LAYER(BLOB(OCI_GZ, "1e300", B)), "", -EFBIG, "10 GiB");
	refuse(WITH_LAYER(BLOB(OCI_GZ, "1e400", B)), "", -EFBIG, "10 GiB");
	refuse(WITH_LAYER(BLOB(OCI_GZ, "18446744073709551615", B)), "", -EFBIG, "10 GiB");
	refuse(MANIFEST(IMAGE_OCI_MANIFEST, BLOB(OCI_CFG, "99999999", A), BLOB(OCI_GZ, "1", B)), "", -EFBIG, "config");
}

/* A manifest with n layers, and a config with as many. */
static void many_layers(int n, struct buf *manifest, struct buf *config)
{
	char digest[IMAGE_DIGEST_SIZE];

	buf_puts(config, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (int i = 0; i < n; i++)
		buf_puts(config, i ? ",\"" A "\"" : "\"" A "\"");
	buf_puts(config, "]}}");
	image_digest(config->data, config->len, digest);
	buf_printf(manifest, HEAD "\"config\":" BLOB(OCI_CFG, "%zu", "%s") ",\"layers\":[", config->len, digest);
	for (int i = 0; i < n; i++)
		buf_puts(manifest, i ? "," BLOB(OCI_GZ, "1", B) : BLOB(OCI_GZ, "1", B));
	buf_puts(manifest, "]}");
	assert_int_equal(manifest->error, 0);
}

static void test_layers_are_bounded(void **state)
{
	_buf_ struct buf manifest = BUF_INIT(IMAGE_MANIFEST_MAX), config = BUF_INIT(IMAGE_CONFIG_MAX);

	(void)state;
	many_layers(5000, &manifest, &config);
	refuse(buf_str(&manifest), "", -EOPNOTSUPP, "5000 layers");
	buf_clear(&manifest);
	many_layers(128, &manifest, &config);
	refuse(buf_str(&manifest), "", -EOPNOTSUPP, "127");
}

/* -- platforms -------------------------------------------------------------------------------------------------- */

#define ENTRY(type, digest, platform) \
	"{\"mediaType\":\"" type "\",\"size\":7,\"digest\":\"" digest "\",\"platform\":{" platform "}}"
#define INDEX(entries)		   HEAD "\"manifests\":[" entries "]}"
#define PLATFORM(os, architecture) "\"os\":\"" os "\",\"architecture\":\"" architecture "\""

static int choose(const char *text, const char *architecture, char digest[IMAGE_DIGEST_SIZE], struct error *err)
{
	cJSON *json = cJSON_Parse(text);
	int r = image_manifest_choose(json, architecture, digest, err);

	cJSON_Delete(json);
	return r;
}

static void test_the_platform_is_chosen(void **state)
{
	static const char index[] = INDEX(
		ENTRY(IMAGE_OCI_MANIFEST, "sha256:x", PLATFORM("unknown", "unknown")) "," ENTRY(IMAGE_OCI_MANIFEST, "sha256:x", PLATFORM("windows", "amd64")) ",7,null,{}," ENTRY(
			IMAGE_OCI_MANIFEST, B,
			PLATFORM(
				"linux",
				"amd64") ",\"variant\":\"v3\"") "," ENTRY(IMAGE_OCI_MANIFEST, A,
									  PLATFORM(
										  "linux",
										  "amd6"
										  "4")) "," ENTRY(IMAGE_DOCKER_MANIFEST,
												  B,
												  PLATFORM(
													  "linux",
													  "arm64") ",\""
														   "var"
														   "ian"
														   "t\""
														   ":\""
														   "v8"
														   "\""));
	char digest[IMAGE_DIGEST_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(choose(index, "x86_64", digest, &err), 0);
	assert_string_equal(digest, A);
	assert_int_equal(choose(index, "arm64", digest, &err), 0);
	assert_string_equal(digest, B);
}

static void test_platforms_that_are_there_are_named(void **state)
{
	char digest[IMAGE_DIGEST_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(choose(INDEX(ENTRY(IMAGE_OCI_MANIFEST, A, PLATFORM("linux", "amd64")) "," ENTRY(
					IMAGE_OCI_MANIFEST, A,
					PLATFORM("linux", "arm") ",\"variant\":\"v7\"") "," ENTRY(IMAGE_OCI_MANIFEST, A,
												  PLATFORM("unknown",
													   "unknown"))),
				"arm64", digest, &err),
			 -ENOENT);
	assert_non_null(strstr(err.message, "available: linux/amd64, linux/arm/v7"));
	assert_null(strstr(err.message, "unknown"));
	assert_true(*err.remedy);
	assert_int_equal(choose(INDEX(""), "arm64", digest, &err), -ENOENT);
}

static void test_an_index_in_an_index_is_refused_by_name(void **state)
{
	char digest[IMAGE_DIGEST_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(choose(INDEX(ENTRY(IMAGE_OCI_INDEX, A, PLATFORM("linux", "amd64"))), "x86_64", digest, &err),
			 -EOPNOTSUPP);
	assert_non_null(strstr(err.message, A));
	assert_int_equal(
		choose(INDEX("{\"mediaType\":\"" IMAGE_DOCKER_LIST "\",\"digest\":\"" A "\"}"), "x86_64", digest, &err),
		-EOPNOTSUPP);
	assert_non_null(strstr(err.message, A));
}

static void test_hostile_indexes_are_refused(void **state)
{
	char digest[IMAGE_DIGEST_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(choose("{}", "x86_64", digest, &err), -EBADMSG);
	assert_int_equal(choose("[]", "x86_64", digest, &err), -EBADMSG);
	assert_int_equal(choose(HEAD "\"manifests\":{}}", "x86_64", digest, &err), -EBADMSG);
	assert_int_equal(choose(INDEX(ENTRY(IMAGE_OCI_MANIFEST, "sha256:../..", PLATFORM("linux", "amd64"))), "x86_64",
				digest, &err),
			 -EBADMSG);
	assert_int_equal(choose(INDEX("{\"platform\":{" PLATFORM("linux", "amd64") "}}"), "x86_64", digest, &err),
			 -EBADMSG);
}

static bool is_index(const char *text, const char *type)
{
	cJSON *json = cJSON_Parse(text);
	bool is = image_manifest_is_index(json, type);

	cJSON_Delete(json);
	return is;
}

static void test_an_index_is_known(void **state)
{
	(void)state;
	assert_true(is_index("{}", IMAGE_OCI_INDEX));
	assert_true(is_index("{\"mediaType\":\"" IMAGE_DOCKER_LIST "\"}", NULL));
	assert_true(is_index(INDEX(""), "application/json"));
	assert_false(is_index(INDEX(""), IMAGE_OCI_MANIFEST));
	assert_false(is_index(DOCKER_BASE, ""));
	assert_false(is_index("7", ""));
}

/* -- putting together ------------------------------------------------------------------------------------------- */

static void make_layer(struct image_layer *l)
{
	*l = (struct image_layer){.data = BUF_INIT(100), .digest = A, .diff_id = B, .architecture = "x86_64"};
	buf_puts(&l->data, "bytes");
}

/* A manifest with two layers and this config. */
static void make_base(bool docker, const char *config, struct image_manifest *ret)
{
	char text[2048], digest[IMAGE_DIGEST_SIZE];

	image_digest(config, strlen(config), digest);
	snprintf(text, sizeof(text),
		 HEAD "\"mediaType\":\"%s\",\"config\":" BLOB("%s", "%zu", "%s") ",\"layers\":[" BLOB(
			 "%s", "5", A) "," BLOB("%s", "6", B) "],\"annotations\":{\"a\":\"b\"},\"subject\":{}}",
		 docker ? IMAGE_DOCKER_MANIFEST : IMAGE_OCI_MANIFEST, docker ? DOCKER_CFG : OCI_CFG, strlen(config),
		 digest, docker ? DOCKER_GZ : OCI_GZ, docker ? DOCKER_GZ : OCI_GZ);
	assert_int_equal(image_manifest_parse(text, strlen(text), "", ret, NULL), 0);
}

struct result {
	struct buf config, manifest;
	char digest[IMAGE_DIGEST_SIZE];
	struct error err;
	int r;
};

static struct result assemble(bool docker, const char *config, const char *architecture)
{
	struct result out = {.config = BUF_INIT(IMAGE_CONFIG_MAX), .manifest = BUF_INIT(IMAGE_MANIFEST_MAX)};
	struct image_manifest base;
	struct image_layer layer;

	make_base(docker, config, &base);
	make_layer(&layer);
	out.r = image_assemble(&base, config, strlen(config), architecture, &layer, &out.config, &out.manifest,
			       out.digest, &out.err);
	image_layer_free(&layer);
	image_manifest_free(&base);
	return out;
}

static void result_free(struct result *r)
{
	buf_free(&r->config);
	buf_free(&r->manifest);
}

static void expect_config(const struct result *out)
{
	static const char wanted[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-05-06T07:08:09.123456789Z\","
		"\"config\":{\"Env\":[\"PATH=/bin\"],\"Healthcheck\":{\"Interval\":30000000000},"
		"\"Entrypoint\":[\"/vast-lambda-runtime\"]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"" B "\",\"" B "\"]},"
		"\"history\":[{\"created_by\":\"x\"},{\"created_by\":\"ENV\",\"empty_layer\":true},{\"created_by\":"
		"\"y\"},"
		"{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"vastfs: the runtime for AWS Lambda\"}],"
		"\"moby.buildkit.buildinfo.v1\":\"e30=\"}";

	assert_string_equal(buf_str(&out->config), wanted);
}

static void expect_manifest(const struct result *out, bool docker)
{
	struct image_manifest m;
	char digest[IMAGE_DIGEST_SIZE];

	assert_int_equal(image_digest(out->manifest.data, out->manifest.len, digest), 0);
	assert_string_equal(out->digest, digest);
	assert_int_equal(image_manifest_parse(out->manifest.data, out->manifest.len,
					      docker ? IMAGE_DOCKER_MANIFEST : IMAGE_OCI_MANIFEST, &m, NULL),
			 0);
	assert_int_equal(image_digest(out->config.data, out->config.len, digest), 0);
	assert_string_equal(m.config.digest, digest);
	assert_int_equal(m.config.size, out->config.len);
	assert_string_equal(m.config.media_type, docker ? DOCKER_CFG : OCI_CFG);
	assert_int_equal(m.n_layers, 3);
	assert_string_equal(m.layers[2].digest, A);
	assert_string_equal(m.layers[2].media_type, docker ? DOCKER_GZ : OCI_GZ);
	assert_int_equal(m.layers[2].size, 5);
	assert_non_null(cJSON_GetObjectItem(m.json, "annotations"));
	assert_null(cJSON_GetObjectItem(m.json, "subject"));
	image_manifest_free(&m);
}

static void test_one_layer_more_in_both_families(void **state)
{
	(void)state;
	for (int docker = 0; docker < 2; docker++) {
		struct result out = assemble(docker, CONFIG, "x86_64"), again = assemble(docker, CONFIG, "x86_64");

		assert_int_equal(out.r, 0);
		expect_config(&out);
		expect_manifest(&out, docker);
		assert_string_equal(buf_str(&out.manifest), buf_str(&again.manifest));
		assert_string_equal(out.digest, again.digest);
		result_free(&out);
		result_free(&again);
	}
}

#define LAYERS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"" B "\"]}"
#define LINUX  "{\"architecture\":\"amd64\",\"os\":\"linux\","

static void test_a_missing_history_is_filled(void **state)
{
	static const char *const configs[] = {LINUX LAYERS "}", LINUX LAYERS ",\"history\":null,\"config\":null}",
					      LINUX LAYERS ",\"history\":[{\"empty_layer\":false}]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct result out = assemble(true, configs[i], "x86_64");
		cJSON *json = cJSON_Parse(buf_str(&out.config));

		assert_int_equal(out.r, 0);
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "history")), 3);
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "config")), 1);
		cJSON_Delete(json);
		result_free(&out);
	}
}

static void test_configs_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		const char *config;
		int errnum;
		const char *words;
	} rows[] = {
		{"[]", -EBADMSG, "JSON object"},
		{"{", -EBADMSG, "JSON object"},
		{"{}", -EOPNOTSUPP, "?/?"},
		{"{\"architecture\":\"arm64\",\"os\":\"linux\"," LAYERS "}", -EOPNOTSUPP, "linux/arm64"},
		{"{\"architecture\":\"amd64\",\"os\":\"windows\"," LAYERS "}", -EOPNOTSUPP, "windows/amd64"},
		{LINUX "\"rootfs\":7}", -EBADMSG, "layers"},
		{LINUX "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\"]}}", -EBADMSG,
		 "1 layers, its manifest 2"},
		{LINUX "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",\"x\"]}}", -EBADMSG, "digest"},
		{LINUX "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\",7]}}", -EBADMSG, "digest"},
		{LINUX LAYERS ",\"history\":[{},{},{}]}", -EBADMSG, "has 3 layers"},
		{LINUX LAYERS ",\"history\":{}}", -EBADMSG, "not a list"},
		{LINUX LAYERS ",\"config\":[]}", -EBADMSG, "not an object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result out = assemble(false, rows[i].config, "x86_64");

		if (out.r != rows[i].errnum || !strstr(out.err.message, rows[i].words))
			fail_msg("%s: %d, %s", rows[i].config, out.r, out.err.message);
		result_free(&out);
	}
}

static void test_the_config_and_the_runtime_must_be_the_right_ones(void **state)
{
	struct result out = assemble(true, "{\"architecture\":\"arm64\",\"os\":\"linux\"," LAYERS "}", "arm64");
	struct image_layer layer;
	struct image_manifest base;

	(void)state;
	assert_int_equal(out.r, -EOPNOTSUPP);
	assert_non_null(strstr(out.err.message, "runtime"));
	make_base(true, CONFIG, &base);
	make_layer(&layer);
	assert_int_equal(image_assemble(&base, CONFIG, strlen(CONFIG) - 1, "x86_64", &layer, &out.config, &out.manifest,
					out.digest, &out.err),
			 -EBADMSG);
	assert_non_null(strstr(out.err.message, "its manifest names"));
	image_manifest_free(&base);
	image_layer_free(&layer);
	result_free(&out);
}

static void test_the_last_layer_must_be_free(void **state)
{
	(void)state;
	for (int n = 126; n < 128; n++) {
		_buf_ struct buf manifest = BUF_INIT(IMAGE_MANIFEST_MAX), config = BUF_INIT(IMAGE_CONFIG_MAX);
		_buf_ struct buf new_config = BUF_INIT(IMAGE_CONFIG_MAX), new_manifest = BUF_INIT(IMAGE_MANIFEST_MAX);
		struct image_manifest base;
		struct image_layer layer;
		char digest[IMAGE_DIGEST_SIZE];

		many_layers(n, &manifest, &config);
		make_layer(&layer);
		assert_int_equal(image_manifest_parse(manifest.data, manifest.len, "", &base, NULL), 0);
		assert_int_equal(image_assemble(&base, config.data, config.len, "x86_64", &layer, &new_config,
						&new_manifest, digest, NULL),
				 n == 126 ? 0 : -EOPNOTSUPP);
		image_manifest_free(&base);
		image_layer_free(&layer);
	}
}

/* -- random changes --------------------------------------------------------------------------------------------- */

static uint32_t dice;

static uint32_t roll(uint32_t below)
{
	dice = dice * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)dice * below) >> 32);
}

/* Changes, removes, repeats or truncates text at a random position. The text has room for 64 more bytes. */
static void mutate(char *text)
{
	static const char signs[] = "{}[]\",:-+0179eE.\\u/nlt \x80\xff\x01";
	size_t len = strlen(text), at = roll((uint32_t)len), n = 1 + roll(40);

	if (n > len - at)
		n = len - at;
	switch (roll(4)) {
	case 0:
		text[at] = signs[roll(sizeof(signs) - 1)];
		break;
	case 1:
		memmove(text + at, text + at + n, len - at - n + 1);
		break;
	case 2:
		memmove(text + at + n, text + at, len - at + 1);
		break;
	default:
		text[at] = '\0';
	}
}

static void test_mutated_manifests_do_no_harm(void **state)
{
	char text[4096];
	int taken = 0;

	(void)state;
	dice = 20240506;
	for (int i = 0; i < 20000; i++) {
		struct image_manifest m;
		struct error err;

		snprintf(text, sizeof(text), "%s", DOCKER_BASE);
		for (uint32_t n = 1 + roll(3); n && *text; n--)
			mutate(text);
		if (parse(text, i % 2 ? "" : IMAGE_DOCKER_MANIFEST, &m, &err) == 0) {
			taken++;
			assert_true(m.n_layers && m.n_layers <= IMAGE_LAYERS_MAX);
			for (size_t l = 0; l < m.n_layers; l++)
				assert_true(image_digest_is_valid(m.layers[l].digest) && m.layers[l].size);
		} else {
			assert_true(*err.message);
		}
		image_manifest_free(&m);
	}
	assert_in_range(taken, 1, 19999);
}

static void test_mutated_configs_do_no_harm(void **state)
{
	char text[4096];
	int taken = 0;

	(void)state;
	dice = 19700101;
	for (int i = 0; i < 20000; i++) {
		struct result out;

		snprintf(text, sizeof(text), "%s", CONFIG);
		mutate(text);
		if (!*text)
			continue;
		out = assemble(i % 2, text, "x86_64");
		if (out.r == 0) {
			taken++;
			expect_manifest(&out, i % 2);
		} else {
			assert_true(*out.err.message);
		}
		result_free(&out);
	}
	assert_in_range(taken, 1, 19999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_and_oci_manifests_are_read),
		cmocka_unit_test(test_what_lambda_cannot_run_is_refused_with_a_remedy),
		cmocka_unit_test(test_schema_1_is_refused_with_a_remedy),
		cmocka_unit_test(test_a_document_is_one_thing),
		cmocka_unit_test(test_hostile_manifests_are_refused),
		cmocka_unit_test(test_layers_are_bounded),
		cmocka_unit_test(test_the_platform_is_chosen),
		cmocka_unit_test(test_platforms_that_are_there_are_named),
		cmocka_unit_test(test_an_index_in_an_index_is_refused_by_name),
		cmocka_unit_test(test_hostile_indexes_are_refused),
		cmocka_unit_test(test_an_index_is_known),
		cmocka_unit_test(test_one_layer_more_in_both_families),
		cmocka_unit_test(test_a_missing_history_is_filled),
		cmocka_unit_test(test_configs_that_do_not_fit_are_refused),
		cmocka_unit_test(test_the_config_and_the_runtime_must_be_the_right_ones),
		cmocka_unit_test(test_the_last_layer_must_be_free),
		cmocka_unit_test(test_mutated_manifests_do_no_harm),
		cmocka_unit_test(test_mutated_configs_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
