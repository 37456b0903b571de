/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h - identifies a stack in AWS: account, region, endpoint and name.
 *
 * The same name refers to another stack in another account or region, so operations and deployed stacks are recorded
 * with their place. A plain value without ownership; pure functions.
 */
#ifndef VASTFS_JOBS_PLACE_H
#define VASTFS_JOBS_PLACE_H

#include "base/buf.h"

#include <stdbool.h>

struct place {
	char account[16];   /* 12 digits; "": unknown */
	char region[32];    /* "eu-west-1"; "": unknown */
	char endpoint[304]; /* the URL that replaces the AWS endpoint of CloudFormation; "": none */
	char stack[64];	    /* "vast-prod"; "": unknown */
	char profile[128];  /* aws_profile, "" for none; only remedies use it, and it is not part of the identity */
};

/* Whether both may be the same place; an unknown account, region or stack matches any. */
bool place_may_be_same(const struct place *a, const struct place *b);

/* Lists the differences, "account 111111111111 (here: 222222222222), ..."; empty if place_may_be_same(). */
int place_put_difference(const struct place *there, const struct place *here, struct buf *out);

/* The instructions that make this mount use the other place: "write stage=prod to config/default.env"; or empty. */
int place_put_way(const struct place *there, const struct place *here, struct buf *out);

#endif
