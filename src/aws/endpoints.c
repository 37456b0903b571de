/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/endpoints.h"

#include <stdio.h>
#include <string.h>

#define PLACE "{region}"

/* Matches <word>-<digits>, the part of a region's name after the prefix. */
static bool endpoints_is_rest(const char *rest)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t word = strspn(rest, letters), digits;

	if (!word || rest[word] != '-')
		return false;
	digits = strspn(rest + word + 1, "0123456789");
	return digits && !rest[word + 1 + digits];
}

static bool endpoints_match(const char *prefixes, const char *region)
{
	while (*prefixes) {
		size_t len = strcspn(prefixes, " ");

		if (strncmp(prefixes, region, len) == 0 && endpoints_is_rest(region + len))
			return true;
		prefixes += len + (prefixes[len] == ' ');
	}
	return false;
}

const struct aws_partition *aws_partition_of(const char *region)
{
	const struct aws_partition *p = aws_partitions;

	while (p[1].name && !endpoints_match(p->prefixes, region))
		p++;
	return p;
}

static const struct aws_endpoint_row *endpoints_row(const char *service, const char *partition, const char *region)
{
	for (const struct aws_endpoint_row *row = aws_endpoint_rows; row->service; row++)
		if (strcmp(row->service, service) == 0 && strcmp(row->partition, partition) == 0 &&
		    (!row->region || strcmp(row->region, region) == 0))
			return row;
	return NULL;
}

bool aws_endpoint_look_up(const char *service, const char *region, enum aws_endpoint_variant variant,
			  char host[static AWS_HOST_SIZE], const char **ret_signing_region)
{
	const struct aws_endpoint_row *row = endpoints_row(service, aws_partition_of(region)->name, region);
	const char *pattern = row ? row->host[variant] : NULL, *place = pattern ? strstr(pattern, PLACE) : NULL;

	if (!pattern)
		return false;
	if (place)
		snprintf(host, AWS_HOST_SIZE, "%.*s%s%s", (int)(place - pattern), pattern, region,
			 place + strlen(PLACE));
	else
		snprintf(host, AWS_HOST_SIZE, "%s", pattern);
	*ret_signing_region = row->signing_region[variant] ? row->signing_region[variant] : region;
	return true;
}
