/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the event of an invocation. Checks that decoded base64 is encoded to the same text. */
#include "base64.h"
#include "event.h"

#include "fuzz.h"

static void event_check_base64(const uint8_t *data, size_t len)
{
	char *plain = malloc(len / 4 * 3 + 1), *text = malloc(len + 4);
	ssize_t n = base64_decode(plain, (const char *)data, len);

	if (n >= 0) {
		fuzz_require(base64_encoded_len((size_t)n) == len);
		base64_encode(text, plain, (size_t)n);
		fuzz_require(memcmp(text, data, len) == 0);
	}
	free(plain);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct event e;
	const char *why = NULL;
	int r = event_parse((const char *)data, len, &e, &why);

	if (len)
		event_check_base64(data, len);
	fuzz_require(r == 0 || why);
	if (r < 0)
		return 0;
	fuzz_require(e.command && strlen(e.command) <= EVENT_COMMAND_MAX && (!e.input || e.text));
	event_free(&e);
	return 0;
}
