/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/vpc_fit.h"

#include "stack/reply.h"
#include "stack/vpc.h"

#include <arpa/inet.h>

static const char *vpc_fit_id(const cJSON *vpc)
{
	return reply_text(vpc, "vpcId");
}

static int vpc_fit_state(const struct vpc_facts *f _unused_, const cJSON *vpc, struct error *err)
{
	const char *state = reply_text(vpc, "state");

	if (!*state || strcmp(state, "available") == 0)
		return 0;
	return error_set(err, -EINVAL, "%s is %s, not available", vpc_fit_id(vpc), state);
}

/* AWS lets a participant use the subnets of a shared VPC, and lets only the owner create subnets and routes. */
static int vpc_fit_owner(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	const char *owner = reply_text(vpc, "ownerId");

	if (!f->account || !*f->account || !*owner || strcmp(owner, f->account) == 0)
		return 0;
	error_set(err, -EINVAL,
		  "%s belongs to account %s and is only shared with account %s, which cannot create subnets in it",
		  vpc_fit_id(vpc), owner, f->account);
	error_remedy(
		err,
		"set vpc_id in config/default.env to a VPC of account %s, or aws_profile to credentials of account %s",
		f->account, owner);
	return -EINVAL;
}

static int vpc_fit_tenancy(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	const char *tenancy = reply_text(vpc, "instanceTenancy");

	if (!*tenancy || strcmp(tenancy, "default") == 0)
		return 0;
	error_set(err, -EINVAL, "%s has %s tenancy, but Fargate requires default tenancy", vpc_fit_id(vpc), tenancy);
	error_remedy(err,
		     "set vpc_id in config/default.env to a VPC of default tenancy, or: aws ec2 modify-vpc-tenancy "
		     "--region %s --vpc-id %s --instance-tenancy default",
		     f->region, vpc_fit_id(vpc));
	return -EINVAL;
}

static int vpc_fit_gateway(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	if (!f->gateways || *vpc_internet_gateway(f->gateways, vpc_fit_id(vpc)))
		return 0;
	error_set(err, -EINVAL, "%s has no Internet gateway attached", vpc_fit_id(vpc));
	error_remedy(err,
		     "attach one in the VPC console (Internet gateways), or: aws ec2 attach-internet-gateway "
		     "--region %s --vpc-id %s --internet-gateway-id "
		     "$(aws ec2 create-internet-gateway --region %s --query "
		     "InternetGateway.InternetGatewayId --output text)",
		     f->region, vpc_fit_id(vpc), f->region);
	return -EINVAL;
}

/* -- Block Public Access --------------------------------------------------------------------------------------- */

static bool vpc_fit_is_in_force(const cJSON *exclusion)
{
	const char *state = reply_text(exclusion, "state");

	return strcmp(state, "create-complete") == 0 || strncmp(state, "update-", strlen("update-")) == 0;
}

/* Exclusions of single subnets do not matter: the stack's own subnets are new. */
static const char *vpc_fit_exclusion(const cJSON *exclusions, const char *vpc_id)
{
	const cJSON *exclusion;

	cJSON_ArrayForEach (exclusion, reply_at(exclusions, "vpcBlockPublicAccessExclusionSet")) {
		const char *slash = strrchr(reply_text(exclusion, "resourceArn"), '/');

		if (slash && strcmp(slash + 1, vpc_id) == 0 && vpc_fit_is_in_force(exclusion))
			return reply_text(exclusion, "internetGatewayExclusionMode");
	}
	return NULL;
}

const char *vpc_public_access(const struct vpc_facts *f, const char *vpc_id)
{
	const cJSON *options = reply_at(f->access, "vpcBlockPublicAccessOptions");
	const char *mode = reply_text(options, "internetGatewayBlockMode");
	const char *exclusion;

	if (!*mode || strcmp(mode, "off") == 0)
		return *mode ? mode : NULL;
	exclusion = vpc_fit_exclusion(f->exclusions, vpc_id);
	if (exclusion)
		return exclusion;
	return f->exclusions ? mode : NULL; /* an exclusion may exist */
}

/* The mode block-ingress lets a NAT gateway through, and the stack needs no more. */
static int vpc_fit_public_access(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	const char *mode = vpc_public_access(f, vpc_fit_id(vpc));

	if (!mode || strcmp(mode, "block-bidirectional") != 0)
		return 0;
	error_set(err, -EINVAL,
		  "VPC Block Public Access (block-bidirectional) cuts %s off from the Internet, and its NAT gateway "
		  "would reach nothing",
		  vpc_fit_id(vpc));
	error_remedy(err,
		     "exclude the VPC in the VPC console (Settings, Block public access), or: aws ec2 "
		     "create-vpc-block-public-access-exclusion --region %s --vpc-id %s "
		     "--internet-gateway-exclusion-mode allow-egress",
		     f->region, vpc_fit_id(vpc));
	return -EINVAL;
}

/* -- DNS ------------------------------------------------------------------------------------------------------- */

static int vpc_fit_attribute(const struct vpc_facts *f, const cJSON *vpc, const cJSON *reply, const char *member,
			     const char *option, const char *what, struct error *err)
{
	if (!reply || reply_bool(reply_at(reply, member), "value"))
		return 0;
	error_set(err, -EINVAL, "%s is off in %s", what, vpc_fit_id(vpc));
	error_remedy(
		err,
		"switch it on in the VPC console (Edit VPC settings), or: aws ec2 modify-vpc-attribute --region %s "
		"--vpc-id %s --%s Value=true",
		f->region, vpc_fit_id(vpc), option);
	return -EINVAL;
}

static int vpc_fit_dns_support(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	return vpc_fit_attribute(f, vpc, f->dns_support, "enableDnsSupport", "enable-dns-support", "DNS support", err);
}

static int vpc_fit_dns_hostnames(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	if (!f->efs)
		return 0;
	return vpc_fit_attribute(f, vpc, f->dns_hostnames, "enableDnsHostnames", "enable-dns-hostnames",
				 "the option DNS host names, which mounting the storage needs,", err);
}

static const cJSON *vpc_fit_dhcp_options(const struct vpc_facts *f, const cJSON *vpc)
{
	const char *id = reply_text(vpc, "dhcpOptionsId");
	const cJSON *options;

	cJSON_ArrayForEach (options, reply_at(f->dhcp, "dhcpOptionsSet"))
		if (*id && strcmp(reply_text(options, "dhcpOptionsId"), id) == 0)
			return options;
	return NULL;
}

/* The resolver's address in a VPC is the third one of its first block. */
static bool vpc_fit_is_resolver(const cJSON *vpc, const char *server)
{
	struct in_addr address;
	struct cidr block;

	if (strcmp(server, "AmazonProvidedDNS") == 0 || strcmp(server, "169.254.169.253") == 0)
		return true;
	return cidr_parse(reply_text(vpc, "cidrBlock"), &block, NULL) == 0 &&
	       inet_pton(AF_INET, server, &address) == 1 && ntohl(address.s_addr) == block.address + 2;
}

const cJSON *vpc_dns_servers(const struct vpc_facts *f, const cJSON *vpc)
{
	const cJSON *entry;

	cJSON_ArrayForEach (entry, reply_at(vpc_fit_dhcp_options(f, vpc), "dhcpConfigurationSet"))
		if (strcmp(reply_text(entry, "key"), "domain-name-servers") == 0)
			return reply_at(entry, "valueSet");
	return NULL;
}

/* The DNS names of EFS file systems exist only in Amazon's DNS, inside the VPC. */
static int vpc_fit_dhcp(const struct vpc_facts *f, const cJSON *vpc, struct error *err)
{
	const cJSON *servers = vpc_dns_servers(f, vpc), *server;

	if (!f->efs || !servers || !servers->child)
		return 0;
	cJSON_ArrayForEach (server, servers)
		if (vpc_fit_is_resolver(vpc, reply_text(server, "value")))
			return 0;
	error_set(err, -EINVAL,
		  "the DHCP options of %s (%s) name only DNS servers of its owner, such as %s, which do not know the "
		  "names of EFS",
		  vpc_fit_id(vpc), reply_text(vpc, "dhcpOptionsId"), reply_text(servers->child, "value"));
	error_remedy(
		err,
		"set vast_storage=ephemeral in config/default.env, or another vpc_id, or give the VPC DHCP options "
		"with "
		"AmazonProvidedDNS (VPC console, DHCP option sets, or: aws ec2 associate-dhcp-options --region %s "
		"--vpc-id %s --dhcp-options-id $(aws ec2 create-dhcp-options --region %s --dhcp-configurations "
		"Key=domain-name-servers,Values=AmazonProvidedDNS --query DhcpOptions.DhcpOptionsId --output text))",
		f->region, vpc_fit_id(vpc), f->region);
	return -EINVAL;
}

/* -- all checks ------------------------------------------------------------------------------------------------ */

static const struct {
	int (*check)(const struct vpc_facts *f, const cJSON *vpc, struct error *err);
	bool only_at_first;
} vpc_checks[] = {
	{vpc_fit_state, false},		{vpc_fit_owner, true},	       {vpc_fit_tenancy, false},
	{vpc_fit_gateway, false},	{vpc_fit_public_access, true}, {vpc_fit_dns_support, false},
	{vpc_fit_dns_hostnames, false}, {vpc_fit_dhcp, true},
};

static void vpc_fit_refuse_unknown(const struct vpc_facts *f, const char *vpc_id, struct error *err)
{
	error_set(err, -EINVAL, "%s does not exist in %s", vpc_id, f->region);
	error_remedy(err,
		     "set vpc_id or aws_region in config/default.env; discover/vpcs, the VPC console (Your VPCs) and "
		     "aws ec2 "
		     "describe-vpcs --region %s list the VPCs",
		     f->region);
}

int vpc_fit_each(const struct vpc_facts *f, const char *vpc_id,
		 int (*tell)(void *arg, const struct vpc_obstacle *obstacle), void *arg)
{
	const cJSON *vpc = vpc_find(f->vpcs, vpc_id);
	struct vpc_obstacle obstacle = {0};
	int r = 0;

	if (!vpc) {
		vpc_fit_refuse_unknown(f, vpc_id, &obstacle.error);
		return tell(arg, &obstacle);
	}
	for (size_t i = 0; i < ARRAY_SIZE(vpc_checks) && r == 0; i++) {
		obstacle.only_at_first = vpc_checks[i].only_at_first;
		if (vpc_checks[i].check(f, vpc, &obstacle.error) < 0)
			r = tell(arg, &obstacle);
	}
	return r;
}

struct vpc_first {
	bool created;
	struct error *err;
};

static int vpc_fit_take_first(void *arg, const struct vpc_obstacle *obstacle)
{
	const struct vpc_first *first = arg;

	if (obstacle->only_at_first && !first->created)
		return 0;
	*first->err = obstacle->error;
	return -EINVAL;
}

int vpc_fit(const struct vpc_facts *f, const char *vpc_id, bool created, struct error *err)
{
	return vpc_fit_each(f, vpc_id, vpc_fit_take_first, &(struct vpc_first){created, err});
}
