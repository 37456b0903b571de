/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses settings and prints them. Checks that the printed lines parse to the same settings. */
#include "stack/settings.h"

#include "fuzz.h"

static char *settings_text(const struct settings *s)
{
	struct buf out = BUF_INIT(16 * SETTINGS_MAX);

	fuzz_require(settings_print(s, &out) == 0);
	fuzz_require(out.len || buf_puts(&out, "") == 0);
	return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct settings *s, *again;
	struct error err;
	char *first, *second;

	settings_check_line((const char *)data, len, 1, &err);
	if (settings_parse((const char *)data, len, &s, &err) < 0)
		return 0;
	settings_check_complete(s, &err);
	settings_check_region(s, &err);
	first = settings_text(s);
	fuzz_require(settings_parse(first, strlen(first), &again, &err) == 0);
	second = settings_text(again);
	fuzz_require(strcmp(first, second) == 0);
	for (enum setting key = 0; key < SETTING_COUNT; key++)
		fuzz_require(strcmp(settings_get(s, key), settings_get(again, key)) == 0);
	free(first);
	free(second);
	settings_unref(s);
	settings_unref(again);
	return 0;
}
