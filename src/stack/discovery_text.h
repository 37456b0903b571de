/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * discovery_text.h - writes the texts of one VPC of a discovery. Pure; any thread.
 */
#ifndef VASTFS_STACK_DISCOVERY_TEXT_H
#define VASTFS_STACK_DISCOVERY_TEXT_H

#include "stack/discovery.h"

struct vpc_description {
	struct vpc_facts facts; /* the replies that concern this VPC */
	const cJSON *vpc;	/* its entry in DescribeVpcs' reply */
	const cJSON *missing;	/* see struct discovery_facts */
};

/* Sets the numbers of ret and all its texts but `fits` and `reasons`. 0 or -ENOMEM. */
int discovery_describe(const struct vpc_description *d, struct discovered_vpc *ret);

#endif
