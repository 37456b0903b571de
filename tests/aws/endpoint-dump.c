/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints where requests go: for each line "SERVICE REGION" of standard input a line "URL SIGNING-REGION", or "-" if
 * there is no such endpoint, or "refused" and why the configuration is.
 *
 * usage: endpoint-dump [PROFILE]
 */
#include "aws/config.h"
#include "aws/services/service.h"

#include <stdio.h>
#include <string.h>

/* The options depend on the region: one client a line, as in vastfs. */
static void dump_endpoint(const struct aws_service *service, const char *region, const char *profile)
{
	const struct aws_config config = {.region = region, .profile = profile};
	struct aws_options options = {0};
	struct aws_endpoint endpoint;
	struct error err = {0};

	if (aws_options_load(&config, &options, &err) < 0) {
		printf("refused %s\n", err.message);
		return;
	}
	if (aws_endpoint_find(&options, service, NULL, &endpoint, &err) < 0)
		puts("-");
	else
		printf("%s%s %s\n", endpoint.url, endpoint.prefix, endpoint.region);
	aws_options_free(&options);
}

int main(int argc, char **argv)
{
	char service[64], region[64];

	while (scanf("%63s %63s", service, region) == 2)
		if (aws_service_named(service))
			dump_endpoint(aws_service_named(service), region, argc > 1 ? argv[1] : NULL);
	return 0;
}
