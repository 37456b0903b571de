/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the file in which docker stores passwords. No credential helper is found, because PATH has no programs. */
#include "image/docker_config.h"

#include "files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct error warning = {0}, err = {0};
	struct buf basic = BUF_INIT_SECRET(1 << 20);
	int r;

	setenv("PATH", files_here(), 1);
	setenv("DOCKER_CONFIG", files_here(), 1);
	setenv("HOME", files_here(), 1);
	setenv("REGISTRY_AUTH_FILE", "/dev/null", 1);
	files_put("config.json", data, len);
	r = image_credentials("ghcr.io", "tenzir/vast", &basic, &warning, &err);
	fuzz_require(r == 0 || (*err.message && !basic.len));
	fuzz_require(basic.len % 4 == 0);
	buf_free(&basic);
	return 0;
}
