/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests that no image is assembled wrongly, and that nothing is reported falsely, if an allocation fails: the result
 * is -ENOMEM, or the same as with memory.
 */
#include "base/file.h"
#include "failing.h"
#include "image/build.h"
#include "image/docker_config.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/mirror.h"
#include "image/registry.h"
#include "image/url.h"

#include <curl/curl.h>
#include <elf.h>
#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define A      "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CONFIG "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" A "\"]}}"

static char dir[64], program[96];

static void expect_enomem(int r)
{
	assert_int_equal(r, -ENOMEM);
	assert_true(failing_happened());
}

/* -- an image --------------------------------------------------------------------------------------------------- */

struct parts {
	struct image_manifest base;
	struct image_layer layer;
	struct buf config, manifest;
	char digest[IMAGE_DIGEST_SIZE], tag[IMAGE_TAG_SIZE];
};

static int image_read(struct parts *p, struct error *err)
{
	char text[1000], digest[IMAGE_DIGEST_SIZE];
	int r = image_digest(CONFIG, strlen(CONFIG), digest);

	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_OCI_MANIFEST
		 "\",\"config\":{\"mediaType\":\"application/"
		 "vnd.oci.image.config.v1+json\",\"size\":%zu,\"digest\":\"%s\"},"
		 "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"size\":9,\"digest\":\"" A
		 "\"}]}",
		 strlen(CONFIG), digest);
	return r < 0 ? r : image_manifest_parse(text, strlen(text), "", &p->base, err);
}

static int image_make(struct parts *p)
{
	struct error err = {0};
	int r = image_read(p, &err);

	if (r == 0)
		r = image_layer_make(program, &p->layer, &err);
	if (r == 0)
		r = image_assemble(&p->base, CONFIG, strlen(CONFIG), "x86_64", &p->layer, &p->config, &p->manifest,
				   p->digest, &err);
	if (r == 0)
		r = image_tag(p->base.config.digest, "x86_64", p->layer.digest, p->tag);
	return r;
}

static char expected[256]; /* digest and tag of the image that is made with memory */

static void one_image(const void *arg _unused_)
{
	struct parts p = {.config = BUF_INIT(IMAGE_MANIFEST_MAX), .manifest = BUF_INIT(IMAGE_MANIFEST_MAX)};
	int r = image_make(&p);

	if (r < 0) {
		expect_enomem(r);
	} else {
		if (!*expected)
			snprintf(expected, sizeof(expected), "%s %s", p.digest, p.tag);
		assert_memory_equal(expected, p.digest, strlen(p.digest));
		assert_string_equal(expected + strlen(p.digest) + 1, p.tag);
	}
	image_manifest_free(&p.base);
	image_layer_free(&p.layer);
	buf_free(&p.config);
	buf_free(&p.manifest);
	ERR_clear_error();
}

static void test_an_image_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_image, NULL), 50, 5000);
}

/* -- URLs ------------------------------------------------------------------------------------------------------- */

static void one_url(const void *arg _unused_)
{
	_free_ char *resolved = NULL, *with = image_url_with("https://a.example/x", "a", "b");
	int r = image_url_resolve("https://a.example/x", "../y", &resolved);
	int same = image_url_same_origin("https://a.example/x", "https://a.example:443");
	int is_private = image_url_is_private("http://127.0.0.1/");

	if (with)
		assert_string_equal(with, "https://a.example/x?a=b");
	else
		assert_true(failing_happened());
	/* libcurl may take a relative reference for an absolute one then, which it refuses. */
	if (r == 0)
		assert_string_equal(resolved, "https://a.example/y");
	else if (r != -EINVAL || !failing_happened())
		expect_enomem(r);
	/* In doubt no credentials are sent. */
	if (same != 1)
		expect_enomem(same);
	if (is_private != 1)
		expect_enomem(is_private);
}

static void test_urls_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_url, NULL), 8, 500);
}

/* -- registries and their credentials --------------------------------------------------------------------------- */

static void one_registry(const void *arg _unused_)
{
	struct registry r;
	int e = registry_open(&r, NULL, NULL, "https://r.example/", "a", "YTpi", true);
	_free_ char *url = e == 0 ? registry_url(&r, "blobs/x") : NULL;

	if (e < 0)
		expect_enomem(e);
	else if (url)
		assert_string_equal(url, "https://r.example/v2/a/blobs/x");
	else
		assert_true(failing_happened());
	registry_close(&r);
}

static void test_a_registry_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_registry, NULL), 3, 100);
}

static void one_mirror(const void *arg _unused_)
{
	struct image_place place = {NULL};
	struct error err = {0};
	int kind = mirror_place("https://m.example/v2/path", "a", MIRROR_UNSURE, &place, &err);

	if (kind < 0) {
		expect_enomem(kind);
	} else {
		assert_string_equal(place.base, "https://m.example");
		assert_string_equal(place.name, "path/a");
	}
	image_place_free(&place);
}

static void test_a_mirror_without_memory(void **state _unused_)
{
	assert_int_equal(failing_each(one_mirror, NULL), 2);
}

static void one_ecr_registry(const void *arg _unused_)
{
	struct image_reference base = {.host = "1.dkr.ecr.eu-west-1.amazonaws.com", .ecr_account = "1"};
	_free_ char *own = image_ecr_registry(&base, "", "1");
	_free_ char *emulated = image_ecr_registry(&base, "http://127.0.0.1:5000", "1");
	_free_ char *of_others = image_ecr_registry(&base, "http://127.0.0.1:5000", "2");

	assert_true((own && emulated && of_others) || failing_happened());
	if (own)
		assert_string_equal(own, "https://1.dkr.ecr.eu-west-1.amazonaws.com");
	if (emulated)
		assert_string_equal(emulated, "http://127.0.0.1:5000");
	if (of_others)
		assert_string_equal(of_others, "https://1.dkr.ecr.eu-west-1.amazonaws.com");
}

static void test_a_registry_of_ecr_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_ecr_registry, NULL), 3, 50);
}

/* A password that cannot be read for lack of memory must not look like a public image. */
static void one_lookup(const void *arg _unused_)
{
	_buf_ struct buf basic = BUF_INIT(1000);
	struct error warning = {0}, err = {0};
	int r = image_credentials("r.example", "a", &basic, &warning, &err);

	if (r < 0)
		expect_enomem(r);
	else
		assert_string_equal(buf_str(&basic), "dXNlcjpwYXNz");
	assert_int_equal(warning.errnum, 0);
}

static void test_stored_credentials_without_memory(void **state _unused_)
{
	unsetenv("REGISTRY_AUTH_FILE");
	setenv("DOCKER_CONFIG", dir, 1);
	assert_in_range(failing_each(one_lookup, NULL), 5, 500);
}

/* -- files ------------------------------------------------------------------------------------------------------ */

static int make_files(void **state _unused_)
{
	static const char auths[] = "{\"auths\":{\"r.example\":{\"auth\":\"dXNlcjpwYXNz\"}}}";
	Elf64_Ehdr h = {.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_entry = 0x400000, .e_phnum = 1};
	char path[96];

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	strcpy(dir, "/tmp/vastfs-image-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/program", dir);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	assert_int_equal(file_write_atomically(path, auths, strlen(auths)), 0);
	return file_write_atomically(program, &h, sizeof(h));
}

static int remove_files(void **state _unused_)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/config.json", dir);
	unlink(path);
	unlink(program);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_image_without_memory),
		cmocka_unit_test(test_urls_without_memory),
		cmocka_unit_test(test_a_registry_without_memory),
		cmocka_unit_test(test_a_mirror_without_memory),
		cmocka_unit_test(test_a_registry_of_ecr_without_memory),
		cmocka_unit_test(test_stored_credentials_without_memory),
	};

	/* libcurl calls the functions in this program, which can fail. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc, strdup, calloc) != CURLE_OK)
		return 1;
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
