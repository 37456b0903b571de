/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h - where something is in AWS: the account, the region, the endpoint and the name of a stack.
 *
 * The same name means another stack in another account or region, so what this machine has begun or deployed is kept
 * together with its place. A plain value without ownership; pure functions.
 */
#ifndef VASTFS_JOBS_PLACE_H
#define VASTFS_JOBS_PLACE_H

#include "base/buf.h"

#include <stdbool.h>

struct place {
	char account[16];   /* 12 digits; "": not known */
	char region[32];    /* "eu-west-1"; "": not known */
	char endpoint[304]; /* the URL that replaces AWS's own endpoint of CloudFormation; "": AWS's own */
	char stack[64];	    /* "vast-prod"; "": not known */
	char profile[128];  /* aws_profile, "" for none: how to come back, not where it is */
};

/* Whether both can be the same place; an account, region or stack that is not known is no difference. */
bool place_may_be_same(const struct place *a, const struct place *b);

/* Names what differs, "account 111111111111 (here: 222222222222), ..."; nothing where place_may_be_same. */
int place_put_difference(const struct place *there, const struct place *here, struct buf *out);

/* What to do here to get there, as instructions: "write stage=prod to config/default.env". Nothing if nothing differs.
 */
int place_put_way(const struct place *there, const struct place *here, struct buf *out);

#endif
