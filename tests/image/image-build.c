/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * image-build BASE ARCHITECTURE RUNTIME REGISTRY REPOSITORY [AUTHORIZATION]: image_build() from the command line.
 *
 * Prints one JSON object; exit status 1 if it failed.
 */
#include "image/build.h"

#include "aws/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_text(const char *key, const char *text)
{
	cJSON *value = cJSON_CreateString(text);
	char *printed = cJSON_PrintUnformatted(value);

	printf("\"%s\": %s, ", key, printed);
	free(printed);
	cJSON_Delete(value);
}

/* Not getrusage(): its maximum begins with what the caller used before exec. */
static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	struct image_build b = {.progress = NULL};
	struct image_built built;
	struct error err = {0};
	struct engine *engine;
	int r;

	if (argc < 6 || engine_start(&engine) < 0)
		return 2;
	b.engine = engine;
	b.base = argv[1];
	b.architecture = argv[2];
	b.runtime = argv[3];
	b.registry = argv[4];
	b.repository = argv[5];
	b.authorization = argv[6];
	b.ca_file = getenv("AWS_CA_BUNDLE");
	r = image_build(&b, &built, &err);
	engine_stop(engine);
	printf("{");
	print_text("digest", built.digest);
	print_text("tag", built.tag);
	print_text("message", err.message);
	print_text("remedy", err.remedy);
	print_text("code", err.code);
	printf("\"errnum\": %d, \"pushed\": %s, \"bytes\": %" PRIu64 ", \"rss_kib\": %ld}\n", r,
	       built.pushed ? "true" : "false", built.bytes, peak_kib());
	return r < 0 ? 1 : 0;
}
