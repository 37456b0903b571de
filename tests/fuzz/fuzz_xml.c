/* SPDX-License-Identifier: BSD-3-Clause */
/* Repairs and parses a document. Checks that a repaired document needs no second repair, and that a document that was
 * accepted without a repair is still accepted. */
#include "aws/protocol/xml.h"
#include "aws/protocol/xml_repair.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf repaired = BUF_INIT(16 << 20), again = BUF_INIT(16 << 20);
	const char *text = (const char *)data;
	cJSON *tree = NULL;

	if (aws_xml_parse(text, len, &tree) == 0)
		fuzz_require(cJSON_IsObject(tree));
	cJSON_Delete(tree);
	if (aws_xml_repair(text, len, &repaired) > 0)
		fuzz_require(aws_xml_repair(buf_str(&repaired), repaired.len, &again) == 0);
	buf_free(&repaired);
	buf_free(&again);
	return 0;
}
