/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/place.h"

#include <string.h>

static bool place_texts_differ(const char *a, const char *b)
{
	return *a && *b && strcmp(a, b) != 0;
}

/* An endpoint is always known: "" is the endpoint of AWS. */
bool place_may_be_same(const struct place *a, const struct place *b)
{
	return !place_texts_differ(a->account, b->account) && !place_texts_differ(a->region, b->region) &&
	       !place_texts_differ(a->stack, b->stack) && strcmp(a->endpoint, b->endpoint) == 0;
}

static void place_put_pair(struct buf *out, const char *what, const char *there, const char *here)
{
	buf_printf(out, "%s%s %s (here: %s)", out->len ? ", " : "", what, there, here);
}

static const char *place_endpoint(const struct place *p)
{
	return *p->endpoint ? p->endpoint : "AWS's own";
}

int place_put_difference(const struct place *there, const struct place *here, struct buf *out)
{
	if (place_texts_differ(there->account, here->account))
		place_put_pair(out, "account", there->account, here->account);
	if (place_texts_differ(there->region, here->region))
		place_put_pair(out, "region", there->region, here->region);
	if (place_texts_differ(there->stack, here->stack))
		place_put_pair(out, "stack", there->stack, here->stack);
	if (strcmp(there->endpoint, here->endpoint) != 0)
		place_put_pair(out, "endpoint", place_endpoint(there), place_endpoint(here));
	return out->error;
}

static const char *place_stage(const struct place *p)
{
	return strncmp(p->stack, "vast-", 5) == 0 ? p->stack + 5 : p->stack;
}

static void place_put_settings(const struct place *there, const struct place *here, struct buf *out)
{
	_buf_ struct buf keys = BUF_INIT(1024);

	if (place_texts_differ(there->stack, here->stack))
		buf_printf(&keys, " stage=%s", place_stage(there));
	if (place_texts_differ(there->region, here->region))
		buf_printf(&keys, " aws_region=%s", there->region);
	if (strcmp(there->profile, here->profile) != 0 && *there->profile)
		buf_printf(&keys, " aws_profile=%s", there->profile);
	if (keys.len)
		buf_printf(out, "write%s to config/default.env", buf_str(&keys));
	if (*here->profile && !*there->profile)
		buf_printf(out, "%sremove aws_profile from config/default.env", out->len ? ", " : "");
}

int place_put_way(const struct place *there, const struct place *here, struct buf *out)
{
	place_put_settings(there, here, out);
	/* The credentials of a profile may belong to another account than before. */
	if (place_texts_differ(there->account, here->account) && strcmp(there->profile, here->profile) == 0)
		buf_printf(out, "%suse credentials of account %s", out->len ? ", " : "", there->account);
	if (strcmp(there->endpoint, here->endpoint) != 0 && *there->endpoint)
		buf_printf(out, "%sset AWS_ENDPOINT_URL=%s", out->len ? ", " : "", there->endpoint);
	else if (strcmp(there->endpoint, here->endpoint) != 0)
		buf_printf(out, "%sunset AWS_ENDPOINT_URL", out->len ? ", " : "");
	return out->error;
}
