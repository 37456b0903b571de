/* SPDX-License-Identifier: BSD-3-Clause */
/* Compares policies. Checks that a policy does not differ from itself. The input has two policies, separated by a NUL.
 */
#include "stack/policy_document.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	size_t first = strlen(text);
	char *other = first < len ? fuzz_text(data + first + 1, len - first - 1) : strdup("{}");
	struct policy_difference d;

	fuzz_require(policy_compare(text, text, &d) == 0);
	fuzz_require(!cJSON_GetArraySize(d.missing) && !cJSON_GetArraySize(d.added));
	policy_difference_release(&d);
	fuzz_require(policy_compare(text, other, &d) == 0);
	policy_difference_release(&d);
	free(text);
	free(other);
	return 0;
}
