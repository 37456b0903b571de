/* SPDX-License-Identifier: BSD-3-Clause */
/* Every challenge advances the list; one with a scheme that needs an address has one. */
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
