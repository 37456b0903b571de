/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/cost.h"

#include <stdlib.h>
#include <string.h>

#define CPU_UNITS      1024. /* in one vCPU */
#define MIB_OF_GB      1024.
#define PRICE_DECIMALS 10 /* decimals of the smallest unit price, a GB-second of Lambda */

/* -- the list of items ----------------------------------------------------------------------------------------- */

static struct cost_item *cost_add_item(struct cost *c, const char *region, enum price price)
{
	struct price_figure figure = price_find(region, price);
	struct cost_item *item = &c->items[c->n++];

	*item = (struct cost_item){.price = price, .unit_dollars = figure.dollars, .about = figure.about};
	return item;
}

/* Adds nothing for a quantity of 0. */
static void cost_add(struct cost *c, const char *region, enum price price, double quantity, bool with_server)
{
	struct cost_item *item;

	if (quantity <= 0)
		return;
	item = cost_add_item(c, region, price);
	item->quantity = quantity;
	item->dollars = quantity * item->unit_dollars;
	item->with_server = with_server;
	c->about |= item->about;
	c->dollars += item->dollars;
	if (!with_server)
		c->stopped_dollars += item->dollars;
}

static void cost_add_by_use(struct cost *c, const char *region, enum price price)
{
	cost_add_item(c, region, price)->by_use = true;
}

static void cost_add_tasks(struct cost *c, const char *region, const struct cost_tasks *tasks, enum price cpu,
			   enum price memory)
{
	cost_add(c, region, cpu, (double)tasks->cpu / CPU_UNITS * COST_MONTH_HOURS, true);
	cost_add(c, region, memory, (double)tasks->memory / MIB_OF_GB * COST_MONTH_HOURS, true);
}

static void cost_add_storage(struct cost *c, const char *region, const struct cost_situation *now)
{
	if (!now->efs)
		return;
	if (now->storage_bytes >= 0)
		cost_add(c, region, PRICE_EFS_STORAGE, (double)now->storage_bytes / COST_BYTES_OF_GB, false);
	else
		cost_add_by_use(c, region, PRICE_EFS_STORAGE);
	cost_add_by_use(c, region, PRICE_EFS_READ);
	cost_add_by_use(c, region, PRICE_EFS_WRITE);
}

static void cost_add_function(struct cost *c, const char *region, const struct cost_situation *now)
{
	enum price price = now->lambda_arm ? PRICE_LAMBDA_ARM : PRICE_LAMBDA;

	if (!now->lambda_memory)
		return;
	c->query_dollars = now->lambda_memory / MIB_OF_GB * price_find(region, price).dollars;
	cost_add_by_use(c, region, price);
	cost_add_by_use(c, region, PRICE_LAMBDA_REQUESTS);
	cost_add_by_use(c, region, PRICE_LAMBDA_STREAM);
}

static void cost_add_traffic(struct cost *c, const char *region, const struct cost_situation *now)
{
	static const enum price items[] = {PRICE_NAT_DATA, PRICE_LOGS, PRICE_ECR_STORAGE, PRICE_DATA_OUT};

	for (size_t i = 0; now->nat_gateways && i < ARRAY_SIZE(items); i++)
		cost_add_by_use(c, region, items[i]);
}

void cost_of_situation(const char *region, const struct cost_situation *now, struct cost *ret)
{
	*ret = (struct cost){.region = price_list_find(region)->region};
	ret->other_region = strcmp(ret->region, region) != 0;
	cost_add(ret, region, PRICE_NAT_GATEWAY, (double)now->nat_gateways * COST_MONTH_HOURS, false);
	cost_add(ret, region, PRICE_ADDRESS, (double)now->addresses * COST_MONTH_HOURS, false);
	cost_add_tasks(ret, region, &now->x86_64, PRICE_FARGATE_CPU, PRICE_FARGATE_MEMORY);
	cost_add_tasks(ret, region, &now->arm64, PRICE_FARGATE_ARM_CPU, PRICE_FARGATE_ARM_MEMORY);
	cost_add(ret, region, PRICE_FARGATE_DISK, (double)now->disk * COST_MONTH_HOURS, true);
	cost_add_storage(ret, region, now);
	cost_add_function(ret, region, now);
	cost_add_traffic(ret, region, now);
}

struct cost_situation cost_situation_of_settings(const struct settings *s, int64_t storage_bytes)
{
	bool arm = strcmp(settings_get(s, SETTING_ARCHITECTURE), "arm64") == 0;
	struct cost_situation now = {.nat_gateways = 1,
				     .addresses = 1,
				     .efs = s->efs || storage_bytes >= 0,
				     .storage_bytes = storage_bytes,
				     .lambda_memory = s->lambda_memory,
				     .lambda_arm = arm};

	*(arm ? &now.arm64 : &now.x86_64) = (struct cost_tasks){.cpu = s->server_cpu, .memory = s->server_memory};
	if (s->server_disk_size > COST_FARGATE_DISK)
		now.disk = s->server_disk_size - COST_FARGATE_DISK;
	return now;
}

void cost_of_settings(const struct settings *s, int64_t storage_bytes, struct cost *ret)
{
	struct cost_situation now = cost_situation_of_settings(s, storage_bytes);

	cost_of_situation(settings_get(s, SETTING_AWS_REGION), &now, ret);
}

/* -- reading AWS's descriptions --------------------------------------------------------------------------------- */

/* The resources of that type that exist. One that is being created counts once it has an ID. */
static unsigned cost_count_resources(const struct stack_view *stack, const char *type)
{
	unsigned n = 0;

	for (size_t i = 0; i < stack->resources_n; i++) {
		const struct stack_resource *r = &stack->resources[i];

		n += r->type && strcmp(r->type, type) == 0 && r->physical_id && *r->physical_id &&
		     !(r->status && strcmp(r->status, "DELETE_COMPLETE") == 0);
	}
	return n;
}

static uint64_t cost_number(const char *text)
{
	unsigned long n = text ? strtoul(text, NULL, 10) : 0;

	return n < UINT32_MAX ? n : 0;
}

/* Fargate bills a task until it is STOPPED, however long that takes. */
static void cost_count_task(struct cost_situation *now, const struct task *t)
{
	struct cost_tasks *tasks = t->arm64 ? &now->arm64 : &now->x86_64;

	if (t->status && strcmp(t->status, "STOPPED") == 0)
		return;
	tasks->cpu += cost_number(t->cpu);
	tasks->memory += cost_number(t->memory);
	if (t->disk_gib > COST_FARGATE_DISK)
		now->disk += t->disk_gib - COST_FARGATE_DISK;
}

struct cost_situation cost_situation_of_stack(const struct stack_view *stack, const struct task_list *tasks,
					      int64_t storage_bytes)
{
	const char *architecture = stack_view_parameter(stack, "Architecture");
	struct cost_situation now = {
		.nat_gateways = cost_count_resources(stack, "AWS::EC2::NatGateway"),
		.addresses = cost_count_resources(stack, "AWS::EC2::EIP"),
		.efs = storage_bytes >= 0 || cost_count_resources(stack, "AWS::EFS::MountTarget"),
		.storage_bytes = storage_bytes,
		.lambda_arm = architecture && strcmp(architecture, "arm64") == 0,
	};

	if (cost_count_resources(stack, "AWS::Lambda::Function"))
		now.lambda_memory = (unsigned)cost_number(stack_view_parameter(stack, "LambdaMemory"));
	for (size_t i = 0; i < tasks->n; i++)
		cost_count_task(&now, &tasks->tasks[i]);
	return now;
}

/* -- writing text ---------------------------------------------------------------------------------------------- */

char *cost_format(double dollars, char out[static COST_TEXT_SIZE])
{
	snprintf(out, COST_TEXT_SIZE, "%s$%.2f", dollars <= -0.005 ? "-" : "", dollars < 0 ? -dollars : dollars);
	return out;
}

char *cost_format_price(double dollars, char out[static COST_TEXT_SIZE])
{
	int len = snprintf(out, COST_TEXT_SIZE, "$%.*f", PRICE_DECIMALS, dollars);
	int least = len - PRICE_DECIMALS + 2;

	while (len > least && out[len - 1] == '0')
		out[--len] = '\0';
	return out;
}

int cost_put_rate(const struct cost *c, double dollars, struct buf *out)
{
	char text[COST_TEXT_SIZE];

	return buf_printf(out, "%s%s a month", c->about ? "about " : "", cost_format(dollars, text));
}

int cost_put_storage(const char *region, int64_t bytes, struct buf *out)
{
	struct cost_situation now = {.efs = true, .storage_bytes = bytes};
	struct cost cost;

	cost_of_situation(region, &now, &cost);
	buf_printf(out, "%.3f GB, ", (double)bytes / COST_BYTES_OF_GB);
	return cost_put_rate(&cost, cost.dollars, out);
}

/* Three decimals at most, as many as needed: "1460", "0.25". */
static void cost_put_quantity(double quantity, struct buf *out)
{
	char text[COST_TEXT_SIZE];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.3f", quantity);

	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	buf_append(out, text, len);
}

static int cost_put_item(const struct cost_item *item, struct buf *out)
{
	const struct price_name *name = &price_names[item->price];
	const char *about = item->about ? "about " : "";
	char price[COST_TEXT_SIZE], amount[COST_TEXT_SIZE];

	cost_format_price(item->unit_dollars, price);
	if (item->by_use)
		return buf_printf(out, "    %s: %s%s for each %s\n", name->item, about, price, name->unit);
	buf_printf(out, "    %s: ", name->item);
	cost_put_quantity(item->quantity, out);
	return buf_printf(out, " %ss at %s%s: %s%s a month\n", name->unit, about, price, about,
			  cost_format(item->dollars, amount));
}

int cost_put_items(const struct cost *c, struct buf *out)
{
	char text[COST_TEXT_SIZE];

	for (size_t i = 0; i < c->n; i++)
		cost_put_item(&c->items[i], out);
	if (c->query_dollars > 0)
		buf_printf(out, "    each second of a query: %s\n", cost_format_price(c->query_dollars, text));
	if (c->other_region)
		buf_printf(out, "    (prices of %s, because there is no list for this region)\n", c->region);
	return out->error;
}

int cost_put_totals(const struct cost *c, struct buf *out)
{
	buf_puts(out, "cost while the server runs: ");
	cost_put_rate(c, c->dollars, out);
	buf_puts(out, "; while it is stopped: ");
	cost_put_rate(c, c->stopped_dollars, out);
	return buf_puts(out, " (the NAT gateway is billed until control/destroy); plus what depends on use\n");
}
