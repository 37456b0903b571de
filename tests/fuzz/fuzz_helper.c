/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses what a credential helper of docker prints. The reply is read from a file in memory instead of a pipe, so that
 * no program has to start for each input; therefore the files under test are included. */
#include "image/docker_config.c"
#include "image/helper.c"

#include "fuzz.h"

#include <sys/mman.h>

static int helper_open_reply(const uint8_t *data, size_t len)
{
	int fd = memfd_create("reply", MFD_CLOEXEC);

	fuzz_require(fd >= 0 && write(fd, data, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* What is sent to the registry is exactly the user name and the password of the reply. */
static void helper_check_credentials(const char *reply, const struct buf *basic)
{
	_secret_json_ cJSON *json = cJSON_Parse(reply);
	const char *user = docker_text(json, "Username"), *password = docker_text(json, "Secret");
	size_t size = strlen(user) + strlen(password) + 2;
	char *plain = malloc(basic->len + 1), *expected = malloc(size);

	fuzz_require(plain && expected && basic->len % 4 == 0);
	snprintf(expected, size, "%s:%s", user, password);
	fuzz_require(EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)basic->data, (int)basic->len) >=
		     (int)size - 1);
	fuzz_require(memcmp(plain, expected, size - 1) == 0 && *user && !strchr(user, ':'));
	free(plain);
	free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct docker_lookup lookup = {.host = "ghcr.io", .file = "config.json"};
	struct helper h = {.out = helper_open_reply(data, len), .deadline_ms = clock_monotonic_ms() + IMAGE_HELPER_MS};
	struct buf basic = BUF_INIT_SECRET(1 << 20);
	char *reply = malloc(IMAGE_HELPER_MAX);
	struct error err = {0};

	fuzz_require(reply);
	if (helper_read_reply(&h, reply) == 0) {
		if (docker_take_helper_reply(&lookup, "x", reply, &basic, &err) == 0)
			helper_check_credentials(reply, &basic);
		else
			fuzz_require(*err.message && *err.remedy && !basic.len);
	} else {
		fuzz_require(len >= IMAGE_HELPER_MAX - 1 || memchr(data, 0, len));
	}
	close(h.out);
	buf_free(&basic);
	free(reply);
	return 0;
}
