/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * discovery_text.h - writes the texts of one VPC of a discovery. Pure; any thread.
 */
#ifndef VASTFS_STACK_DISCOVERY_TEXT_H
#define VASTFS_STACK_DISCOVERY_TEXT_H

#include "stack/discovery.h"

/* Why an attribute of a VPC is not known although no call has failed. */
#define TEXT_UNREAD                                                                                          \
	"which are read for 20 VPCs of a region only; to read them for this one, write its ID as vpc_id to " \
	"config/default.env, then: touch control/refresh"

struct vpc_description {
	struct vpc_facts facts; /* the replies that concern this VPC */
	const cJSON *vpc;	/* its entry in DescribeVpcs' reply */
	const cJSON *missing;	/* see struct discovery_facts */
};

/* Whether the attributes of the VPC were not read, because the region has too many VPCs. */
bool text_is_unread(const struct vpc_description *d);

/* Sets the numbers of ret and all its texts but `fits` and `reasons`. 0 or -ENOMEM. */
int discovery_describe(const struct vpc_description *d, struct discovered_vpc *ret);

#endif
