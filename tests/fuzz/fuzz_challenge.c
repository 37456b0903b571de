/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that every challenge advances the list, and that a challenge whose scheme needs an address has an address. */
#include "image/challenge.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	struct challenge c;

	for (const char *list = text, *before = list; challenge_next(&list, &c); before = list) {
		fuzz_require(list > before && list <= text + strlen(text));
		fuzz_require(c.scheme != CHALLENGE_BEARER || *c.realm);
	}
	free(text);
	return 0;
}
