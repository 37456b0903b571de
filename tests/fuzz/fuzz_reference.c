/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses a reference and joins its parts. Checks that the result parses to the same parts. */
#include "image/reference.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct image_reference r, again;
	struct error err = {0};
	char *text = fuzz_text(data, len), whole[1024];

	if (image_reference_parse(text, &r, &err) == 0) {
		fuzz_require(*image_reference_target(&r) && *r.host && *r.name);
		snprintf(whole, sizeof(whole), "%s/%s%s%s%s%s", r.host, r.name, *r.tag ? ":" : "", r.tag,
			 *r.digest ? "@" : "", r.digest);
		fuzz_require(image_reference_parse(whole, &again, &err) == 0);
		fuzz_require(strcmp(r.host, again.host) == 0 && strcmp(r.name, again.name) == 0);
		fuzz_require(strcmp(r.tag, again.tag) == 0 && strcmp(r.digest, again.digest) == 0);
		fuzz_require(r.is_ecr == again.is_ecr);
	}
	free(text);
	return 0;
}
