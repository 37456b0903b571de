/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * suggest.h - writes discover/suggested.env: a complete default.env for this account, with the reasons as comments.
 *
 * Pure; any thread. The text always parses (settings.h). Values of the settings in force stay, except vpc_id and
 * subnet_cidr if they do not fit. If no VPC fits, or none is known, the text has no vpc_id, and a deploy with it is
 * refused.
 */
#ifndef VASTFS_STACK_SUGGEST_H
#define VASTFS_STACK_SUGGEST_H

#include "stack/discovery.h"
#include "stack/settings.h"

struct suggestion {
	const struct discovery *discovery;
	const struct settings *settings; /* the settings in force; NULL: none */
	const char *const
		*own_subnets; /* IDs of the deployed stack's subnets, NULL-terminated; NULL: nothing is deployed */
};

/* 0, -ENOMEM, or -EFBIG if out cannot hold it. */
int suggest_write(const struct suggestion *s, struct buf *out);

/* The VPC that suits the stack best, NULL if none fits. */
const struct discovered_vpc *suggest_vpc(const struct discovery *d);

#endif
