/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cost.h - estimates what a stack costs a month, item by item, from list prices (prices.h).
 *
 * cost_of_settings() estimates the cost of a stack with these settings, and cost_of_situation() the cost of the
 * resources that exist now. Both return the same kind of list. An item that depends on use has a unit price and no
 * amount. A month has 730 hours, and a GB has 10^9 bytes, or 1024 MiB of memory, as on AWS's bills. Amounts are
 * doubles: they are exact to 15 digits, and a reader sees 2 after the point.
 *
 * Pure; any thread. Nothing is allocated: the texts are constant.
 */
#ifndef VASTFS_STACK_COST_H
#define VASTFS_STACK_COST_H

#include "base/buf.h"
#include "stack/prices.h"
#include "stack/settings.h"
#include "stack/view.h"

#define COST_MONTH_HOURS  730
#define COST_ITEMS_MOST	  PRICE_COUNT
#define COST_TEXT_SIZE	  32
#define COST_BYTES_OF_GB  1e9
#define COST_FARGATE_DISK 20 /* GB of ephemeral storage that are free of charge for each task */

struct cost_item {
	enum price price; /* price_names[price] has its name and unit */
	double unit_dollars;
	double quantity; /* number of units in a month; 0 if by_use */
	double dollars;	 /* amount for a month; 0 if by_use */
	bool about;
	bool by_use;	  /* the quantity depends on use or is not known, so only the unit price is listed */
	bool with_server; /* billed only while the server runs */
};

struct cost {
	const char *region;	/* the region that the prices are for */
	bool other_region;	/* the stack's region has no price list, so another region's is used */
	bool about;		/* the totals contain at least one unconfirmed price */
	double dollars;		/* total of all items: the cost while the server runs */
	double stopped_dollars; /* total without the server's items: the cost while it is stopped */
	double query_dollars;	/* the cost of a query for each second; 0: there is no function */
	size_t n;
	struct cost_item items[COST_ITEMS_MOST];
};

/* The resources that are billed at the moment. */
struct cost_situation {
	unsigned nat_gateways, addresses;
	/* Totals of the running tasks, by processor architecture. */
	struct cost_tasks {
		uint64_t cpu;	 /* ECS's CPU units, 1024 for each vCPU */
		uint64_t memory; /* MiB */
	} x86_64, arm64;
	uint64_t disk;		/* GB of ephemeral storage above the free COST_FARGATE_DISK of each task */
	int64_t storage_bytes;	/* size of the file system; negative: not known */
	bool efs;		/* there is a file system */
	unsigned lambda_memory; /* MB; 0: there is no function */
	bool lambda_arm;
};

/*
 * The cost of a stack with these settings while it is deployed. storage_bytes has the same meaning as in the situation:
 * an existing file system is billed even if the settings no longer use it.
 */
void cost_of_settings(const struct settings *s, int64_t storage_bytes, struct cost *ret);

/* The cost of the resources that exist now; `dollars` is the amount for a month without changes. */
void cost_of_situation(const char *region, const struct cost_situation *now, struct cost *ret);

/* The situation while the server of a stack with these settings runs. */
struct cost_situation cost_situation_of_settings(const struct settings *s, int64_t storage_bytes);

/*
 * The billed resources among the stack's and the tasks in AWS's latest descriptions, also while they are created or
 * deleted.
 */
struct cost_situation cost_situation_of_stack(const struct stack_view *stack, const struct task_list *tasks,
					      int64_t storage_bytes);

/* Writes an amount: "$108.58"; "-$0.50". */
char *cost_format(double dollars, char out[static COST_TEXT_SIZE]);
/* Writes a unit price with all its digits, at least 2 after the point: "$0.0000166667", "$0.30". */
char *cost_format_price(double dollars, char out[static COST_TEXT_SIZE]);
/* Writes an amount for a month: "$108.58 a month", "about $112.38 a month". */
int cost_put_rate(const struct cost *c, double dollars, struct buf *out);

/* Appends the size and the cost of a file system: "0.250 GB, about $0.08 a month". */
int cost_put_storage(const char *region, int64_t bytes, struct buf *out);

/*
 * Appends the list, one item a line, and a line about it if the prices are those of another region:
 *	NAT gateway: 730 hours at $0.045: $32.85 a month
 *	NAT gateway, data: $0.045 for each GB
 */
int cost_put_items(const struct cost *c, struct buf *out);
/* Appends one line with the stack's cost while the server runs and while it is stopped. */
int cost_put_totals(const struct cost *c, struct buf *out);

#endif
