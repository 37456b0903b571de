/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints the sections of a file on standard input as JSON, or the refusal on standard error with exit status 1.
 *
 * usage: ini-dump < FILE
 */
#include "aws/credentials/ini.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct buf text = BUF_INIT(16 << 20);
	struct error err = {0};
	char piece[65536], *printed;
	cJSON *sections;
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_append(&text, piece, n);
	if (ini_parse(buf_str(&text), text.len, &sections, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		buf_free(&text);
		return EXIT_FAILURE;
	}
	printed = cJSON_PrintUnformatted(sections);
	puts(printed);
	free(printed);
	cJSON_Delete(sections);
	buf_free(&text);
	return EXIT_SUCCESS;
}
