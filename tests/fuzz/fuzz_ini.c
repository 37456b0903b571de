/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the files of the AWS CLI: each alone, and both together. */
#include "aws/credentials/ini.h"
#include "aws/credentials/profiles.h"
#include "base/secret.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct aws_profiles profiles = {0};
	struct error err = {0};
	size_t half = len / 2;
	cJSON *ini = NULL;

	if (ini_parse(text, len, &ini, &err) == 0)
		fuzz_require(cJSON_IsObject(ini));
	else
		fuzz_require(*err.message);
	secret_free_json(ini);
	if (aws_profiles_parse(text, half, text + half, len - half, &profiles, &err) == 0)
		aws_profiles_get(profiles.merged, "default", "region");
	aws_profiles_free(&profiles);
	return 0;
}
