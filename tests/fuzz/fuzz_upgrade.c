/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the reply that opens a WebSocket, and the URL of a WebSocket. */
#include "aws/upgrade.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	struct upgrade_url url;
	struct error err = {0};
	int r = upgrade_reply((const char *)data, len, "dGhlIHNhbXBsZSBub25jZQ==", &err);

	fuzz_require(r <= 0 || (size_t)r <= len);
	fuzz_require(r >= 0 || *err.message);
	if (upgrade_url_parse(text, &url, &err) == 0)
		fuzz_require(*url.host && *url.target == '/' && !strpbrk(url.target, "\r\n "));
	upgrade_url_free(&url);
	free(text);
	return 0;
}
