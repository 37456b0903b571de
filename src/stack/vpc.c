/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/vpc.h"

#include "stack/reply.h"

/*
 * The sizes that vpc_list_free lists: a block of 256 addresses is more than enough, and a block of 32 is the smallest
 * that the stack can use.
 */
#define LARGEST_PREFIX	24
#define SMALLEST_PREFIX 27

void vpc_blocks_free(struct vpc_blocks *b)
{
	free(b->blocks);
	*b = (struct vpc_blocks){0};
}

static int vpc_add_block(struct vpc_blocks *b, const char *cidr, const char *owner)
{
	struct vpc_block *more, block = {.owner = owner};

	if (cidr_parse(cidr, &block.cidr, NULL) < 0)
		return 0; /* a block of IPv6, which cannot overlap, or no block at all */
	more = realloc(b->blocks, (b->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[b->count++] = block;
	b->blocks = more;
	return 0;
}

const cJSON *vpc_find(const cJSON *vpcs, const char *vpc_id)
{
	const cJSON *vpc;

	cJSON_ArrayForEach (vpc, reply_at(vpcs, "vpcSet"))
		if (strcmp(reply_text(vpc, "vpcId"), vpc_id) == 0)
			return vpc;
	return NULL;
}

int vpc_own_blocks(const cJSON *vpc, struct vpc_blocks *ret)
{
	const char *id = reply_text(vpc, "vpcId");
	const cJSON *association;
	int r;

	*ret = (struct vpc_blocks){0};
	cJSON_ArrayForEach (association, reply_at(vpc, "cidrBlockAssociationSet")) {
		const char *state = reply_text(reply_at(association, "cidrBlockState"), "state");

		if (*state && strcmp(state, "associated") != 0)
			continue;
		r = vpc_add_block(ret, reply_text(association, "cidrBlock"), id);
		if (r < 0)
			return r;
	}
	/* old replies have only the first block */
	return ret->count ? 0 : vpc_add_block(ret, reply_text(vpc, "cidrBlock"), id);
}

static bool vpc_is_one_of(const char *id, const char *const *ids)
{
	for (; ids && *ids; ids++)
		if (strcmp(*ids, id) == 0)
			return true;
	return false;
}

static int vpc_add_subnets(const char *vpc_id, const cJSON *subnets, const char *const *except, struct vpc_blocks *ret)
{
	const cJSON *subnet;

	cJSON_ArrayForEach (subnet, reply_at(subnets, "subnetSet")) {
		const char *id = reply_text(subnet, "subnetId");
		int r;

		if (strcmp(reply_text(subnet, "vpcId"), vpc_id) != 0 || vpc_is_one_of(id, except))
			continue;
		r = vpc_add_block(ret, reply_text(subnet, "cidrBlock"), id);
		if (r < 0)
			return r;
	}
	return 0;
}

static int vpc_add_peer(const cJSON *peer, struct vpc_blocks *ret)
{
	const char *id = reply_text(peer, "vpcId");
	const cJSON *block;
	size_t before = ret->count;
	int r;

	cJSON_ArrayForEach (block, reply_at(peer, "cidrBlockSet")) {
		r = vpc_add_block(ret, reply_text(block, "cidrBlock"), id);
		if (r < 0)
			return r;
	}
	return ret->count > before ? 0 : vpc_add_block(ret, reply_text(peer, "cidrBlock"), id);
}

static bool vpc_peering_counts(const cJSON *peering)
{
	static const char *const alive[] = {"initiating-request", "pending-acceptance", "provisioning", "active", NULL};

	return vpc_is_one_of(reply_text(reply_at(peering, "status"), "code"), alive);
}

static int vpc_add_peers(const char *vpc_id, const cJSON *peerings, struct vpc_blocks *ret)
{
	const cJSON *peering;

	cJSON_ArrayForEach (peering, reply_at(peerings, "vpcPeeringConnectionSet")) {
		const cJSON *requester = reply_at(peering, "requesterVpcInfo");
		const cJSON *accepter = reply_at(peering, "accepterVpcInfo");
		int r = 0;

		if (!vpc_peering_counts(peering))
			continue;
		if (strcmp(reply_text(requester, "vpcId"), vpc_id) == 0)
			r = vpc_add_peer(accepter, ret);
		else if (strcmp(reply_text(accepter, "vpcId"), vpc_id) == 0)
			r = vpc_add_peer(requester, ret);
		if (r < 0)
			return r;
	}
	return 0;
}

int vpc_taken_blocks(const char *vpc_id, const cJSON *subnets, const cJSON *peerings, const char *const *except,
		     struct vpc_blocks *ret)
{
	int r;

	*ret = (struct vpc_blocks){0};
	r = vpc_add_subnets(vpc_id, subnets, except, ret);
	return r < 0 ? r : vpc_add_peers(vpc_id, peerings, ret);
}

/* Has room for one more block, so that an empty list is not NULL. */
static struct cidr *vpc_only_cidrs(const struct vpc_blocks *b)
{
	struct cidr *cidrs = calloc(b->count + 1, sizeof(*cidrs));

	for (size_t i = 0; cidrs && i < b->count; i++)
		cidrs[i] = b->blocks[i].cidr;
	return cidrs;
}

int vpc_find_free(const struct vpc_blocks *own, const struct vpc_blocks *taken, unsigned prefix, struct cidr *ret,
		  size_t max)
{
	_free_ struct cidr *within = vpc_only_cidrs(own), *used = vpc_only_cidrs(taken);

	if (!within || !used)
		return -ENOMEM;
	return (int)cidr_find_free((struct cidr_list){within, own->count}, (struct cidr_list){used, taken->count},
				   prefix, ret, max);
}

int vpc_list_free(const struct vpc_blocks *own, const struct vpc_blocks *taken, struct cidr *ret, size_t max)
{
	_free_ struct cidr *within = vpc_only_cidrs(own), *used = calloc(taken->count + max + 1, sizeof(*used));
	size_t n = 0;

	if (!within || !used)
		return -ENOMEM;
	for (size_t i = 0; i < taken->count; i++)
		used[i] = taken->blocks[i].cidr;
	for (unsigned prefix = LARGEST_PREFIX; prefix <= SMALLEST_PREFIX; prefix++) {
		size_t more = cidr_find_free((struct cidr_list){within, own->count},
					     (struct cidr_list){used, taken->count + n}, prefix, ret + n, max - n);

		memcpy(used + taken->count + n, ret + n, more * sizeof(*ret));
		n += more;
	}
	return (int)n;
}

bool vpc_contains(const struct vpc_blocks *own, const struct cidr *block)
{
	for (size_t i = 0; i < own->count; i++)
		if (cidr_contains(&own->blocks[i].cidr, block))
			return true;
	return false;
}

const struct vpc_block *vpc_collision(const struct vpc_blocks *taken, const struct cidr *block)
{
	for (size_t i = 0; i < taken->count; i++)
		if (cidr_overlaps(&taken->blocks[i].cidr, block))
			return &taken->blocks[i];
	return NULL;
}

unsigned vpc_count_peers(const char *vpc_id, const cJSON *peerings)
{
	const cJSON *peering;
	unsigned n = 0;

	cJSON_ArrayForEach (peering, reply_at(peerings, "vpcPeeringConnectionSet")) {
		bool is_end = strcmp(reply_text(reply_at(peering, "requesterVpcInfo"), "vpcId"), vpc_id) == 0 ||
			      strcmp(reply_text(reply_at(peering, "accepterVpcInfo"), "vpcId"), vpc_id) == 0;

		n += is_end && vpc_peering_counts(peering);
	}
	return n;
}

const char *vpc_internet_gateway(const cJSON *gateways, const char *vpc_id)
{
	const cJSON *gateway, *attachment;

	cJSON_ArrayForEach (gateway, reply_at(gateways, "internetGatewaySet")) {
		cJSON_ArrayForEach (attachment, reply_at(gateway, "attachmentSet")) {
			const char *state = reply_text(attachment, "state");

			/* EC2 returns "available", although its reference documents "attached" */
			if (strcmp(reply_text(attachment, "vpcId"), vpc_id) == 0 &&
			    (strcmp(state, "available") == 0 || strcmp(state, "attached") == 0))
				return reply_text(gateway, "internetGatewayId");
		}
	}
	return "";
}
