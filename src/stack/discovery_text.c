/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/discovery_text.h"

#include "base/clock.h"
#include "base/escape.h"
#include "stack/reply.h"
#include "stack/vpc.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX    (2 << 20)
#define BLOCKS_MOST 256 /* free blocks that are listed */

static void text_put_line(struct buf *out, const char *text)
{
	escape_line(out, text);
	buf_putc(out, '\n');
}

/* True if the reply of that name is missing; the reason is then appended to the text. */
static bool text_put_unknown(const struct vpc_description *d, const char *name, const cJSON *reply, struct buf *out)
{
	const char *why = reply_text(d->missing, name);

	if (reply)
		return false;
	buf_printf(out, "unknown%s%s\n", *why ? ": " : "", why);
	return true;
}

/* Tags are written by other users, so they are escaped. */
static const char *text_name_of(const cJSON *object)
{
	const cJSON *tag;

	cJSON_ArrayForEach (tag, reply_at(object, "tagSet"))
		if (strcmp(reply_text(tag, "key"), "Name") == 0)
			return reply_text(tag, "value");
	return "";
}

static void text_put_name(const struct vpc_description *d, struct buf *out)
{
	const char *name = text_name_of(d->vpc);

	if (*name)
		text_put_line(out, name);
}

static void text_put_blocks(const struct vpc_blocks *blocks, struct buf *out)
{
	char text[CIDR_TEXT_SIZE];

	for (size_t i = 0; i < blocks->count; i++)
		buf_printf(out, "%s\n", cidr_format(&blocks->blocks[i].cidr, text));
}

static void text_put_default(const struct vpc_description *d, struct buf *out)
{
	buf_puts(out, reply_bool(d->vpc, "isDefault") ? "yes\n" : "no\n");
}

static void text_put_owner(const struct vpc_description *d, struct buf *out)
{
	if (*reply_text(d->vpc, "ownerId"))
		text_put_line(out, reply_text(d->vpc, "ownerId"));
}

static void text_put_tenancy(const struct vpc_description *d, struct buf *out)
{
	if (*reply_text(d->vpc, "instanceTenancy"))
		text_put_line(out, reply_text(d->vpc, "instanceTenancy"));
}

static void text_put_gateway(const struct vpc_description *d, struct buf *out)
{
	const char *gateway = vpc_internet_gateway(d->facts.gateways, reply_text(d->vpc, "vpcId"));

	if (!text_put_unknown(d, "gateways", d->facts.gateways, out) && *gateway)
		text_put_line(out, gateway);
}

/* -- subnets and peerings -------------------------------------------------------------------------------------- */

static const char *text_block_of(const cJSON *subnet)
{
	const cJSON *ipv6 = reply_at(subnet, "ipv6CidrBlockAssociationSet");

	if (*reply_text(subnet, "cidrBlock"))
		return reply_text(subnet, "cidrBlock");
	return ipv6 && ipv6->child ? reply_text(ipv6->child, "ipv6CidrBlock") : "-";
}

static void text_put_subnet(const cJSON *subnet, struct buf *out)
{
	const char *zone = reply_text(subnet, "availabilityZone"), *name = text_name_of(subnet);

	escape_line(out, reply_text(subnet, "subnetId"));
	buf_putc(out, ' ');
	escape_line(out, text_block_of(subnet));
	buf_putc(out, ' ');
	escape_line(out, *zone ? zone : "-");
	buf_putc(out, ' ');
	escape_line(out, reply_text(subnet, "availableIpAddressCount"));
	if (*name)
		buf_putc(out, ' ');
	text_put_line(out, name);
}

static void text_put_subnets(const struct vpc_description *d, struct buf *out)
{
	const char *id = reply_text(d->vpc, "vpcId");
	const cJSON *subnet;

	text_put_unknown(d, "subnets", d->facts.subnets, out);
	cJSON_ArrayForEach (subnet, reply_at(d->facts.subnets, "subnetSet"))
		if (strcmp(reply_text(subnet, "vpcId"), id) == 0)
			text_put_subnet(subnet, out);
}

static void text_put_peer(const cJSON *peering, const cJSON *peer, struct buf *out)
{
	const cJSON *block, *blocks = reply_at(peer, "cidrBlockSet");

	escape_line(out, reply_text(peering, "vpcPeeringConnectionId"));
	buf_putc(out, ' ');
	escape_line(out, reply_text(reply_at(peering, "status"), "code"));
	buf_putc(out, ' ');
	escape_line(out, reply_text(peer, "vpcId"));
	if (!blocks || !blocks->child)
		buf_printf(out, " %.20s", reply_text(peer, "cidrBlock"));
	cJSON_ArrayForEach (block, blocks) {
		buf_putc(out, ' ');
		escape_line(out, reply_text(block, "cidrBlock"));
	}
	buf_putc(out, '\n');
}

static void text_put_peerings(const struct vpc_description *d, struct buf *out)
{
	const char *id = reply_text(d->vpc, "vpcId");
	const cJSON *peering;

	text_put_unknown(d, "peerings", d->facts.peerings, out);
	cJSON_ArrayForEach (peering, reply_at(d->facts.peerings, "vpcPeeringConnectionSet")) {
		const cJSON *requester = reply_at(peering, "requesterVpcInfo");
		const cJSON *accepter = reply_at(peering, "accepterVpcInfo");

		if (strcmp(reply_text(requester, "vpcId"), id) == 0)
			text_put_peer(peering, accepter, out);
		else if (strcmp(reply_text(accepter, "vpcId"), id) == 0)
			text_put_peer(peering, requester, out);
	}
}

/* -- DNS and access to the Internet ---------------------------------------------------------------------------- */

bool text_is_unread(const struct vpc_description *d)
{
	return (!d->facts.dns_support && !reply_at(d->missing, "support")) ||
	       (!d->facts.dns_hostnames && !reply_at(d->missing, "hostnames"));
}

static void text_put_attribute(const struct vpc_description *d, const char *name, const cJSON *reply,
			       const char *member, struct buf *out)
{
	if (!reply && !reply_at(d->missing, name))
		buf_puts(out, "unknown: one of the attributes " TEXT_UNREAD "\n");
	else if (!text_put_unknown(d, name, reply, out))
		buf_puts(out, reply_bool(reply_at(reply, member), "value") ? "yes\n" : "no\n");
}

static void text_put_dns_support(const struct vpc_description *d, struct buf *out)
{
	text_put_attribute(d, "support", d->facts.dns_support, "enableDnsSupport", out);
}

static void text_put_dns_hostnames(const struct vpc_description *d, struct buf *out)
{
	text_put_attribute(d, "hostnames", d->facts.dns_hostnames, "enableDnsHostnames", out);
}

static void text_put_dns_servers(const struct vpc_description *d, struct buf *out)
{
	const cJSON *server;

	text_put_unknown(d, "dhcp", d->facts.dhcp, out);
	cJSON_ArrayForEach (server, vpc_dns_servers(&d->facts, d->vpc))
		text_put_line(out, reply_text(server, "value"));
}

static void text_put_public_access(const struct vpc_description *d, struct buf *out)
{
	const char *mode = vpc_public_access(&d->facts, reply_text(d->vpc, "vpcId"));

	if (mode)
		text_put_line(out, mode);
	else
		text_put_unknown(d, d->facts.access ? "exclusions" : "access", NULL, out);
}

/* -- all texts of a VPC ---------------------------------------------------------------------------------------- */

static const struct {
	size_t offset;
	void (*put)(const struct vpc_description *d, struct buf *out);
} texts[] = {
	{offsetof(struct discovered_vpc, name), text_put_name},
	{offsetof(struct discovered_vpc, is_default), text_put_default},
	{offsetof(struct discovered_vpc, owner), text_put_owner},
	{offsetof(struct discovered_vpc, tenancy), text_put_tenancy},
	{offsetof(struct discovered_vpc, internet_gateway), text_put_gateway},
	{offsetof(struct discovered_vpc, subnets), text_put_subnets},
	{offsetof(struct discovered_vpc, peerings), text_put_peerings},
	{offsetof(struct discovered_vpc, dns_support), text_put_dns_support},
	{offsetof(struct discovered_vpc, dns_hostnames), text_put_dns_hostnames},
	{offsetof(struct discovered_vpc, dns_servers), text_put_dns_servers},
	{offsetof(struct discovered_vpc, block_public_access), text_put_public_access},
};

static int text_take(struct buf *text, char **ret)
{
	*ret = text->error ? NULL : strdup(buf_str(text));
	return *ret ? 0 : -ENOMEM;
}

static int text_put_all(const struct vpc_description *d, struct discovered_vpc *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_buf_ struct buf text = BUF_INIT(TEXT_MAX);

		texts[i].put(d, &text);
		if (text_take(&text, (char **)((char *)ret + texts[i].offset)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void text_put_free(const struct cidr *blocks, int n, struct discovered_vpc *ret, struct buf *out)
{
	char text[CIDR_TEXT_SIZE];

	for (int i = 0; i < n; i++) {
		ret->free += UINT64_C(1) << (32 - blocks[i].prefix);
		ret->free_24s += blocks[i].prefix == 24;
		buf_printf(out, "%s\n", cidr_format(&blocks[i], text));
	}
}

static int text_put_addresses(const struct vpc_description *d, struct discovered_vpc *ret)
{
	_cleanup_(vpc_blocks_free) struct vpc_blocks own = {0}, taken = {0};
	_buf_ struct buf cidr = BUF_INIT(TEXT_MAX), free_ones = BUF_INIT(TEXT_MAX);
	struct cidr blocks[BLOCKS_MOST];
	int n = 0, r;

	r = vpc_own_blocks(d->vpc, &own);
	if (r == 0)
		r = vpc_taken_blocks(ret->id, d->facts.subnets, d->facts.peerings, NULL, &taken);
	if (r == 0 && d->facts.subnets)
		n = r = vpc_list_free(&own, &taken, blocks, BLOCKS_MOST);
	if (r < 0)
		return r;
	text_put_blocks(&own, &cidr);
	text_put_unknown(d, "subnets", d->facts.subnets, &free_ones);
	text_put_free(blocks, n, ret, &free_ones);
	r = text_take(&cidr, &ret->cidr);
	return r < 0 ? r : text_take(&free_ones, &ret->free_cidrs);
}

int discovery_describe(const struct vpc_description *d, struct discovered_vpc *ret)
{
	int r = text_put_all(d, ret);

	ret->is_the_default = reply_bool(d->vpc, "isDefault");
	ret->peers = vpc_count_peers(ret->id, d->facts.peerings);
	return r < 0 ? r : text_put_addresses(d, ret);
}

/* -- the whole discovery --------------------------------------------------------------------------------------- */

static void text_put_missing(const struct discovery *d, struct buf *out)
{
	const cJSON *part;

	cJSON_ArrayForEach (part, d->facts.missing)
		buf_printf(out, "missing %s: %s\n", part->string, cJSON_GetStringValue(part));
}

static void text_put_cut_lists(const struct discovery *d, struct buf *out)
{
	if (d->facts.more_vpcs)
		buf_puts(out, "more the region has more VPCs than vastfs reads\n");
	if (d->facts.more_subnets)
		buf_puts(out,
			 "more the region has more subnets than vastfs reads: a block in free_cidrs may be taken\n");
}

int discovery_write_status(const struct discovery *d, struct buf *out)
{
	static const char *const words[] = {
		[DISCOVERY_READING] = "reading", [DISCOVERY_FAILED] = "failed", [DISCOVERY_READ] = "ready"};
	char when[CLOCK_TEXT_SIZE];

	buf_printf(out, "state %s\nregion %s\n", words[d->state], *d->region ? d->region : "-");
	if (d->state == DISCOVERY_READ)
		buf_printf(out, "read %s\nvpcs %zu\n", clock_format(d->read_ms, when), d->n);
	if (d->state == DISCOVERY_FAILED) {
		buf_puts(out, "error ");
		text_put_line(out, d->why.message);
		buf_puts(out, "remedy ");
		text_put_line(out, *d->why.remedy ? d->why.remedy : "run: touch control/refresh");
	}
	text_put_missing(d, out);
	text_put_cut_lists(d, out);
	return out->error;
}
