/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses JSON and prints it. Checks that the printed text can be parsed and is printed as the same text. */
#include "aws/protocol/json.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *first, *second;
	cJSON *tree, *again;

	fuzz_require(text);
	memcpy(text, data, len);
	text[len] = '\0';
	tree = aws_json_read(text, len);
	free(text);
	if (!tree)
		return 0;
	first = aws_json_print(tree);
	again = aws_json_read(first, strlen(first));
	fuzz_require(again);
	second = aws_json_print(again);
	fuzz_require(strcmp(first, second) == 0);
	free(first);
	free(second);
	cJSON_Delete(tree);
	cJSON_Delete(again);
	return 0;
}
