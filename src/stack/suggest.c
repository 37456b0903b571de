/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/suggest.h"

#include "base/escape.h"
#include "stack/vpc.h"

#include <string.h>

#define OTHERS_SHOWN 10 /* VPCs of each kind that the comments list */

/* -- the decision ---------------------------------------------------------------------------------------------- */

/*
 * The default VPC comes first, because it is not reserved for another purpose. Then come VPCs with many free addresses,
 * then those with few peerings, whose routes this stack could disturb.
 */
static int suggest_compare(const struct discovered_vpc *a, const struct discovered_vpc *b)
{
	if (a->fit != b->fit)
		return (int)a->fit - (int)b->fit;
	if (a->is_the_default != b->is_the_default)
		return a->is_the_default ? 1 : -1;
	if (!a->free_24s != !b->free_24s)
		return a->free_24s ? 1 : -1;
	if (a->peers != b->peers)
		return a->peers < b->peers ? 1 : -1;
	return (a->free > b->free) - (a->free < b->free);
}

const struct discovered_vpc *suggest_vpc(const struct discovery *d)
{
	const struct discovered_vpc *best = NULL;

	for (size_t i = 0; i < d->n; i++)
		if (d->vpcs[i].fit != FITS_NO && d->vpcs[i].free && (!best || suggest_compare(&d->vpcs[i], best) > 0))
			best = &d->vpcs[i];
	return best;
}

enum suggest_origin { BLOCK_NEW, BLOCK_KEPT, BLOCK_DEPLOYED };

struct suggest_choice {
	const struct discovered_vpc *vpc; /* NULL: none fits */
	struct cidr block;
	enum suggest_origin origin;
};

static int suggest_read_blocks(const struct suggestion *s, const char *vpc_id, struct vpc_blocks *own,
			       struct vpc_blocks *taken)
{
	const cJSON *replies = s->discovery->facts.replies;
	const cJSON *vpc = vpc_find(cJSON_GetObjectItemCaseSensitive(replies, "vpcs"), vpc_id);
	int r = vpc_own_blocks(vpc, own);

	return r < 0 ? r
		     : vpc_taken_blocks(vpc_id, cJSON_GetObjectItemCaseSensitive(replies, "subnets"),
					cJSON_GetObjectItemCaseSensitive(replies, "peerings"), s->own_subnets, taken);
}

/* Sets ret->block to the block of the settings if it is free in the VPC, else to the first free one. */
static int suggest_choose_block(const struct suggestion *s, bool keep, struct suggest_choice *ret)
{
	_cleanup_(vpc_blocks_free) struct vpc_blocks own = {0}, taken = {0};
	const struct cidr *wanted = keep ? &s->settings->subnet : NULL;
	int r = suggest_read_blocks(s, ret->vpc->id, &own, &taken);

	if (r < 0)
		return r;
	if (wanted && wanted->prefix && vpc_contains(&own, wanted) && !vpc_collision(&taken, wanted)) {
		ret->block = *wanted;
		ret->origin = BLOCK_KEPT;
		return 0;
	}
	r = vpc_list_free(&own, &taken, &ret->block, 1);
	if (r == 0)
		ret->vpc = NULL;
	return r < 0 ? r : 0;
}

static int suggest_choose(const struct suggestion *s, struct suggest_choice *ret)
{
	const char *wanted = s->settings ? settings_get(s->settings, SETTING_VPC_ID) : "";
	const struct discovered_vpc *set = discovery_find(s->discovery, wanted);
	bool keep = set && set->fit != FITS_NO;

	*ret = (struct suggest_choice){.vpc = keep ? set : suggest_vpc(s->discovery)};
	if (s->own_subnets) {
		*ret = (struct suggest_choice){.vpc = set, .origin = BLOCK_DEPLOYED};
		return 0;
	}
	return ret->vpc ? suggest_choose_block(s, keep, ret) : 0;
}

/* -- the text -------------------------------------------------------------------------------------------------- */

static void suggest_put_comment(struct buf *out, const char *text)
{
	buf_puts(out, "# ");
	escape_line(out, text);
	buf_putc(out, '\n');
}

/* The ID, and the name between quotes. The name's text ends in a newline and is escaped. */
static void suggest_put_vpc(const struct discovered_vpc *v, struct buf *out)
{
	buf_puts(out, v->id);
	if (*v->name)
		buf_printf(out, " \"%.*s\"", (int)strcspn(v->name, "\n"), v->name);
	if (v->is_the_default)
		buf_puts(out, ", the default VPC");
}

static void suggest_put_settings(const struct suggestion *s, bool without_vpc, struct buf *out)
{
	for (int key = 0; s->settings && key < SETTING_COUNT; key++) {
		const char *value = s->settings->values[key];
		bool chosen = key == SETTING_AWS_REGION || key == SETTING_VPC_ID || key == SETTING_SUBNET_CIDR;

		if (value && *value && !(without_vpc && chosen))
			setting_print((enum setting)key, value, out);
	}
}

static void suggest_put_unread(const struct suggestion *s, struct buf *out)
{
	const struct discovery *d = s->discovery;

	if (d->state == DISCOVERY_READING) {
		buf_printf(out, "# The VPCs of %s are being read; read this file again in 10 seconds.\n",
			   *d->region ? d->region : "the account");
	} else {
		suggest_put_comment(out, d->why.message);
		suggest_put_comment(out, *d->why.remedy ? d->why.remedy : "run: touch control/refresh");
	}
	suggest_put_settings(s, false, out);
}

static void suggest_put_none(const struct suggestion *s, struct buf *out)
{
	const struct discovery *d = s->discovery;

	if (d->n == 0)
		buf_printf(out,
			   "# %s has no VPC. Create the default VPC in the VPC console (Your VPCs, Actions), or with:\n"
			   "#   aws ec2 create-default-vpc --region %s\n",
			   d->region, d->region);
	else
		buf_printf(out, "# None of the %zu VPCs of %s fits; discover/vpcs/*/reasons say why and what to do.\n",
			   d->n, d->region);
	buf_puts(out, "# Then: touch control/refresh, and read this file again.\n");
}

static void suggest_put_choice(const struct suggest_choice *c, struct buf *out)
{
	static const char *const words[] = {
		[BLOCK_NEW] = "is the first free block in it: no subnet and no peered VPC uses it",
		[BLOCK_KEPT] = "is the block that config/default.env has: it is free"};
	char text[CIDR_TEXT_SIZE];

	buf_puts(out, "# ");
	suggest_put_vpc(c->vpc, out);
	buf_puts(out, c->vpc->fit == FITS_YES ? ", fits.\n" : ", fits as far as could be checked.\n");
	buf_printf(out, "# %s %s.\n# All free blocks: cat discover/vpcs/%s/free_cidrs\n", cidr_format(&c->block, text),
		   words[c->origin], c->vpc->id);
}

static void suggest_put_others(const struct discovery *d, const struct discovered_vpc *chosen, bool fitting,
			       struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct discovered_vpc *v = &d->vpcs[i];

		if (v == chosen || (v->fit != FITS_NO) != fitting || n++ >= OTHERS_SHOWN)
			continue;
		if (n == 1)
			buf_printf(out, "# %s\n", fitting ? "Others that fit:" : "These do not fit:");
		buf_puts(out, "#   ");
		suggest_put_vpc(v, out);
		buf_printf(out, "%s%s\n", fitting ? "" : ": ", fitting ? "" : v->first_reason);
	}
	if (n > OTHERS_SHOWN)
		buf_printf(out, "#   and %zu more: ls discover/vpcs\n", n - OTHERS_SHOWN);
}

static void suggest_put_unknown(const struct discovery *d, struct buf *out)
{
	const cJSON *part;

	cJSON_ArrayForEach (part, d->facts.missing)
		buf_printf(out, "# Not checked: %s.\n", cJSON_GetStringValue(part));
	if (d->facts.more_vpcs)
		buf_printf(out, "# %s has more VPCs than the %zu that were read.\n", d->region, d->n);
	if (d->facts.more_subnets)
		buf_printf(out, "# %s has more subnets than were read; deploy checks the block again.\n", d->region);
}

static void suggest_put_values(const struct suggestion *s, const struct suggest_choice *c, struct buf *out)
{
	char text[CIDR_TEXT_SIZE];

	buf_putc(out, '\n');
	setting_print(SETTING_AWS_REGION, s->discovery->region, out);
	if (c->vpc) {
		setting_print(SETTING_VPC_ID, c->vpc->id, out);
		setting_print(SETTING_SUBNET_CIDR, cidr_format(&c->block, text), out);
	} else {
		buf_puts(out, "#vpc_id=\n#subnet_cidr=\n");
	}
	suggest_put_settings(s, true, out);
}

int suggest_write(const struct suggestion *s, struct buf *out)
{
	const struct discovery *d = s->discovery;
	struct suggest_choice choice;
	int r;

	if (d->state != DISCOVERY_READ) {
		suggest_put_unread(s, out);
		return out->error;
	}
	r = suggest_choose(s, &choice);
	if (r < 0)
		return r;
	if (choice.origin == BLOCK_DEPLOYED) {
		buf_puts(out, "# These are the settings in force. The stack is deployed: vpc_id and subnet_cidr cannot "
			      "change "
			      "until control/destroy.\n\n");
		suggest_put_settings(s, false, out);
		return out->error;
	}
	if (choice.vpc) {
		buf_puts(out, "# To start: cp discover/suggested.env config/default.env && touch control/deploy && cat "
			      "operations/latest/result\n#\n");
		suggest_put_choice(&choice, out);
	} else {
		suggest_put_none(s, out);
	}
	suggest_put_others(d, choice.vpc, true, out);
	suggest_put_others(d, choice.vpc, false, out);
	suggest_put_unknown(d, out);
	suggest_put_values(s, &choice, out);
	return out->error;
}
