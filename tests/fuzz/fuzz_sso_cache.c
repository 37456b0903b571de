/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the file with the token of IAM Identity Center, which the AWS CLI writes, and writes it. Checks that it can be
 * read again. */
#include "aws/credentials/sso_cache.h"
#include "base/file.h"
#include "base/secret.h"

#include "files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char label[] = "sso", url[] = "https://example.com/start";
	static const struct credential_source source = {.kind = CREDENTIAL_SSO, .label = label, .start_url = url};
	struct error err = {0};
	cJSON *token, *again;
	char *path;

	setenv("HOME", files_here(), 1);
	fuzz_require(sso_cache_prepare(&source, &err) == 0);
	path = sso_cache_path(&source);
	files_put(path + strlen(files_here()) + 1, data, len);
	free(path);
	if (sso_cache_read(&source, &token, &err) < 0) {
		fuzz_require(*err.message);
		return 0;
	}
	fuzz_require(sso_cache_write(&source, token, &err) == 0);
	fuzz_require(sso_cache_read(&source, &again, &err) == 0);
	secret_free_json(token);
	secret_free_json(again);
	return 0;
}
