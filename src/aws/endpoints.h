/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * endpoints.h - looks up the host names of AWS services in data generated from botocore's published rules.
 *
 * contrib/generate-endpoints writes endpoints_data.c. All functions are pure, and any thread may call them. The tables
 * are static; nothing has to be freed.
 */
#ifndef VASTFS_AWS_ENDPOINTS_H
#define VASTFS_AWS_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>

/* A partition of AWS is a group of regions that share accounts, the form of host names and the prefix "arn:<name>:". */
struct aws_partition {
	const char *name;
	const char *prefixes; /* prefixes of its region names, separated by blanks; a word, a dash and digits follow */
	const char *suffix;   /* suffix of host names */
	const char *global_region;
};

enum aws_endpoint_variant {
	AWS_ENDPOINT_PLAIN,
	AWS_ENDPOINT_DUAL_STACK,
	AWS_ENDPOINT_FIPS,
	AWS_ENDPOINT_FIPS_DUAL_STACK
};

/* The hosts of a service in a partition. Rows for one region precede the row for all other regions. */
struct aws_endpoint_row {
	const char *service, *partition;
	const char *region;  /* NULL: all regions without a row of their own */
	const char *host[4]; /* hosts by variant; "{region}" is replaced by the region; NULL: no such endpoint */
	const char *signing_region[4]; /* regions for the signature by variant; NULL: the region itself */
};

extern const struct aws_partition aws_partitions[]; /* a row with name NULL ends it; the last before it is "aws" */
extern const struct aws_endpoint_row aws_endpoint_rows[]; /* a row with service NULL ends it */

/* The partition of a region, never NULL. An unknown region belongs to "aws". */
const struct aws_partition *aws_partition_of(const char *region);

#define AWS_HOST_SIZE 256

/*
 * Looks up the host name of a service and the region for the signature, which points into the table or is `region`
 * itself. Returns false if there is no such endpoint.
 */
bool aws_endpoint_look_up(const char *service, const char *region, enum aws_endpoint_variant variant,
			  char host[static AWS_HOST_SIZE], const char **ret_signing_region);

#endif
