/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/discovery.h"

#include "base/clock.h"
#include "base/escape.h"
#include "stack/discovery_text.h"
#include "stack/reply.h"
#include "stack/settings.h"
#include "stack/vpc.h"

#include <string.h>

#define SMALLEST_BLOCK "27"

/* -- replies that are missing ---------------------------------------------------------------------------------- */

static bool discovery_is_denied(const struct error *err)
{
	return strncmp(err->code, "AccessDenied", strlen("AccessDenied")) == 0 ||
	       strcmp(err->code, "UnauthorizedOperation") == 0;
}

void discovery_note_missing(cJSON *missing, const char *name, const char *permission, const struct error *err)
{
	_buf_ struct buf text = BUF_INIT(sizeof(err->message) * 4 + 200);

	if (reply_at(missing, name))
		return;
	if (discovery_is_denied(err)) {
		buf_printf(&text, "the credentials lack the permission %s", permission);
	} else {
		buf_printf(&text, "%s failed: ", permission);
		escape_line(&text, err->message);
	}
	cJSON_AddStringToObject(missing, name, buf_str(&text));
}

/* Without these replies the deploy skips a check; without the others it fails. */
static bool discovery_is_optional(const char *name)
{
	static const char *const optional[] = {"account", "access", "exclusions", "dhcp"};

	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (strcmp(optional[i], name) == 0)
			return true;
	return false;
}

/* -- whether a VPC fits ---------------------------------------------------------------------------------------- */

static void discovery_put_reason(struct discovered_vpc *v, struct buf *out, const char *message, const char *remedy)
{
	if (!*v->first_reason)
		escape_copy(v->first_reason, sizeof(v->first_reason), message);
	escape_line(out, message);
	if (*remedy)
		buf_puts(out, "; ");
	escape_line(out, remedy);
	buf_putc(out, '\n');
}

struct discovery_judging {
	struct discovered_vpc *vpc;
	struct buf *reasons;
};

static int discovery_take_obstacle(void *arg, const struct vpc_obstacle *obstacle)
{
	const struct discovery_judging *j = arg;

	j->vpc->fit = FITS_NO;
	discovery_put_reason(j->vpc, j->reasons, obstacle->error.message, obstacle->error.remedy);
	return 0;
}

static void discovery_judge_space(const struct vpc_description *d, struct discovered_vpc *v, struct buf *reasons)
{
	char message[160];

	if (v->free || !d->facts.subnets)
		return;
	v->fit = FITS_NO;
	snprintf(message, sizeof(message), "%s has no free block of /" SMALLEST_BLOCK " or larger", v->id);
	discovery_put_reason(v, reasons, message,
			     "add addresses in the VPC console (Edit CIDRs), or with aws ec2 associate-vpc-cidr-block");
}

/* The checks that could not be made are listed last. */
static void discovery_judge_missing(const cJSON *missing, struct discovered_vpc *v, struct buf *reasons)
{
	const cJSON *part;

	cJSON_ArrayForEach (part, missing) {
		if (v->fit == FITS_YES && !discovery_is_optional(part->string))
			v->fit = FITS_UNKNOWN;
		buf_printf(reasons, "not checked: %s\n", cJSON_GetStringValue(part));
	}
}

static void discovery_judge_unread(const struct vpc_description *d, struct discovered_vpc *v, struct buf *reasons)
{
	if (v->fit == FITS_NO || !text_is_unread(d))
		return;
	v->fit = FITS_UNKNOWN;
	buf_puts(reasons, "not checked: the DNS attributes, " TEXT_UNREAD "\n");
}

static int discovery_judge(const struct vpc_description *d, struct discovered_vpc *v)
{
	static const char *const words[] = {[FITS_UNKNOWN] = "unknown\n", [FITS_NO] = "no\n", [FITS_YES] = "yes\n"};
	_buf_ struct buf reasons = BUF_INIT(64 << 10);

	v->fit = FITS_YES;
	vpc_fit_each(&d->facts, v->id, discovery_take_obstacle, &(struct discovery_judging){v, &reasons});
	discovery_judge_space(d, v, &reasons);
	discovery_judge_missing(d->missing, v, &reasons);
	discovery_judge_unread(d, v, &reasons);
	v->fits = strdup(words[v->fit]);
	v->reasons = strdup(buf_str(&reasons));
	return v->fits && v->reasons ? 0 : -ENOMEM;
}

/* -- one VPC --------------------------------------------------------------------------------------------------- */

static char **discovery_field(const struct discovered_vpc *v, size_t i)
{
	static const size_t offsets[] = {
		offsetof(struct discovered_vpc, id),
		offsetof(struct discovered_vpc, name),
		offsetof(struct discovered_vpc, cidr),
		offsetof(struct discovered_vpc, is_default),
		offsetof(struct discovered_vpc, owner),
		offsetof(struct discovered_vpc, tenancy),
		offsetof(struct discovered_vpc, internet_gateway),
		offsetof(struct discovered_vpc, subnets),
		offsetof(struct discovered_vpc, free_cidrs),
		offsetof(struct discovered_vpc, peerings),
		offsetof(struct discovered_vpc, dns_support),
		offsetof(struct discovered_vpc, dns_hostnames),
		offsetof(struct discovered_vpc, dns_servers),
		offsetof(struct discovered_vpc, block_public_access),
		offsetof(struct discovered_vpc, fits),
		offsetof(struct discovered_vpc, reasons),
	};

	return i < ARRAY_SIZE(offsets) ? (char **)(uintptr_t)((const char *)v + offsets[i]) : NULL;
}

static void discovery_clear_vpc(const struct discovered_vpc *v)
{
	for (size_t i = 0; discovery_field(v, i); i++)
		free(*discovery_field(v, i));
}

static bool discovery_same_vpc(const struct discovered_vpc *a, const struct discovered_vpc *b)
{
	for (size_t i = 0; discovery_field(a, i); i++)
		if (strcmp(*discovery_field(a, i), *discovery_field(b, i)) != 0)
			return false;
	return true;
}

/* The ID becomes the name of a directory and a line of suggested.env. */
static bool discovery_is_id(const char *id)
{
	return *id && setting_rule(SETTING_VPC_ID)->check(id, &(struct error){0}) == 0;
}

static void discovery_select(const struct discovery_facts *f, const char *id, struct vpc_facts *ret)
{
	*ret = (struct vpc_facts){.region = f->region,
				  .account = f->account,
				  .vpcs = reply_at(f->replies, "vpcs"),
				  .gateways = reply_at(f->replies, "gateways"),
				  .subnets = reply_at(f->replies, "subnets"),
				  .peerings = reply_at(f->replies, "peerings"),
				  .dns_support = reply_at(reply_at(f->replies, "support"), id),
				  .dns_hostnames = reply_at(reply_at(f->replies, "hostnames"), id),
				  .access = reply_at(f->replies, "access"),
				  .exclusions = reply_at(f->replies, "exclusions"),
				  .dhcp = reply_at(f->replies, "dhcp"),
				  .efs = true};
}

static int discovery_parse_vpc(const struct discovery_facts *f, const cJSON *vpc, struct discovered_vpc *ret)
{
	struct vpc_description d = {.vpc = vpc, .missing = f->missing};
	int r;

	ret->id = strdup(reply_text(vpc, "vpcId"));
	if (!ret->id)
		return -ENOMEM;
	discovery_select(f, ret->id, &d.facts);
	r = discovery_describe(&d, ret);
	return r < 0 ? r : discovery_judge(&d, ret);
}

/* -- all VPCs -------------------------------------------------------------------------------------------------- */

static int discovery_compare(const void *a, const void *b)
{
	return strcmp(((const struct discovered_vpc *)a)->id, ((const struct discovered_vpc *)b)->id);
}

const struct discovered_vpc *discovery_find(const struct discovery *d, const char *id)
{
	struct discovered_vpc key = {.id = (char *)(uintptr_t)id};

	return d->n ? bsearch(&key, d->vpcs, d->n, sizeof(key), discovery_compare) : NULL;
}

static int discovery_parse_vpcs(struct discovery *d)
{
	const cJSON *list = reply_at(reply_at(d->facts.replies, "vpcs"), "vpcSet"), *vpc;
	int n = cJSON_GetArraySize(list);

	d->vpcs = calloc((size_t)n + 1, sizeof(*d->vpcs));
	if (!d->vpcs)
		return -ENOMEM;
	cJSON_ArrayForEach (vpc, list) {
		if (!discovery_is_id(reply_text(vpc, "vpcId")))
			continue;
		if (discovery_parse_vpc(&d->facts, vpc, &d->vpcs[d->n++]) < 0)
			return -ENOMEM;
	}
	qsort(d->vpcs, d->n, sizeof(*d->vpcs), discovery_compare);
	return 0;
}

/* An unchanged VPC keeps its time of change, and so does the discovery if none of its VPCs has changed. */
static void discovery_set_times(struct discovery *d, const struct discovery *before)
{
	bool known = before && before->state == DISCOVERY_READ && discovery_is_about(before, d->region, d->profile);
	bool same = known && before->n == d->n;

	d->read_ms = clock_wall_ms();
	for (size_t i = 0; i < d->n; i++) {
		const struct discovered_vpc *was = known ? discovery_find(before, d->vpcs[i].id) : NULL;
		bool kept = was && discovery_same_vpc(was, &d->vpcs[i]);

		d->vpcs[i].changed_ms = kept ? was->changed_ms : d->read_ms;
		same = same && kept;
	}
	d->changed_ms = same ? before->changed_ms : d->read_ms;
}

static struct discovery *discovery_make(const char *region, const char *profile, enum discovery_state state)
{
	struct discovery *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	ref_init(&d->ref);
	d->state = state;
	d->region = strdup(region);
	d->profile = strdup(profile);
	d->changed_ms = clock_wall_ms();
	if (d->region && d->profile)
		return d;
	discovery_unref(d);
	return NULL;
}

struct discovery *discovery_new(const char *region, const char *profile, enum discovery_state state,
				const struct error *why)
{
	struct discovery *d = discovery_make(region, profile, state);

	if (d && why)
		d->why = *why;
	return d;
}

struct discovery *discovery_parse(const struct discovery_facts *f, const struct discovery *before)
{
	struct discovery *d = discovery_make(f->region, f->profile, DISCOVERY_READ);

	if (!d) {
		cJSON_Delete(f->replies);
		cJSON_Delete(f->missing);
		return NULL;
	}
	d->facts = *f;
	d->facts.region = d->region;
	d->facts.profile = d->profile;
	d->facts.account = strdup(f->account);
	if (!d->facts.account || discovery_parse_vpcs(d) < 0) {
		discovery_unref(d);
		return NULL;
	}
	discovery_set_times(d, before);
	return d;
}

struct discovery *discovery_ref(struct discovery *d)
{
	ref_get(&d->ref);
	return d;
}

void discovery_unref(struct discovery *d)
{
	if (!d || !ref_put(&d->ref))
		return;
	for (size_t i = 0; i < d->n; i++)
		discovery_clear_vpc(&d->vpcs[i]);
	free(d->vpcs);
	cJSON_Delete(d->facts.replies);
	cJSON_Delete(d->facts.missing);
	free((char *)(uintptr_t)d->facts.account);
	free(d->region);
	free(d->profile);
	free(d);
}

bool discovery_is_about(const struct discovery *d, const char *region, const char *profile)
{
	return strcmp(d->region, region) == 0 && strcmp(d->profile, profile) == 0;
}

static int discovery_never(void *arg _unused_, const struct vpc_obstacle *obstacle _unused_)
{
	return -EINVAL;
}

/* Whether the VPC fits as far as is known, before its attributes are. */
static bool discovery_may_fit(const struct discovery_facts *f, const char *id)
{
	struct vpc_facts facts;

	discovery_select(f, id, &facts);
	return vpc_fit_each(&facts, id, discovery_never, NULL) == 0;
}

/* The lower the number, the earlier the attributes are read. */
static int discovery_attribute_rank(const struct discovery_facts *f, const cJSON *vpc, const char *wanted)
{
	const char *id = reply_text(vpc, "vpcId");

	if (strcmp(id, wanted) == 0)
		return 0;
	if (!discovery_may_fit(f, id))
		return 3;
	return reply_bool(vpc, "isDefault") ? 1 : 2;
}

cJSON *discovery_attribute_order(const struct discovery_facts *f, const char *wanted, size_t most)
{
	cJSON *ids = cJSON_CreateArray();
	const cJSON *vpc;

	for (int rank = 0; ids && rank <= 3; rank++) {
		cJSON_ArrayForEach (vpc, reply_at(reply_at(f->replies, "vpcs"), "vpcSet")) {
			const char *id = reply_text(vpc, "vpcId");

			if ((size_t)cJSON_GetArraySize(ids) < most && discovery_is_id(id) &&
			    discovery_attribute_rank(f, vpc, wanted) == rank)
				cJSON_AddItemToArray(ids, cJSON_CreateString(id));
		}
	}
	return ids;
}
