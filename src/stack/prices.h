/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prices.h - the table of AWS's list prices for the resources of a stack.
 *
 * The prices are on demand, in US dollars, without taxes and discounts: they give an estimate, not a bill.
 * prices_data.c has the figures with their date and source. Pure; any thread.
 */
#ifndef VASTFS_STACK_PRICES_H
#define VASTFS_STACK_PRICES_H

#include <stdbool.h>

enum price {
	PRICE_NAT_GATEWAY,
	PRICE_NAT_DATA,
	PRICE_ADDRESS,
	PRICE_FARGATE_CPU,
	PRICE_FARGATE_MEMORY,
	PRICE_FARGATE_ARM_CPU,
	PRICE_FARGATE_ARM_MEMORY,
	PRICE_FARGATE_DISK,
	PRICE_EFS_STORAGE,
	PRICE_EFS_READ,
	PRICE_EFS_WRITE,
	PRICE_LAMBDA,
	PRICE_LAMBDA_ARM,
	PRICE_LAMBDA_REQUESTS,
	PRICE_LAMBDA_STREAM,
	PRICE_LOGS,
	PRICE_ECR_STORAGE,
	PRICE_DATA_OUT,
	PRICE_COUNT
};

struct price_name {
	const char *item; /* "NAT gateway" */
	const char *unit; /* "hour" */
};

struct price_figure {
	double dollars; /* price of one unit */
	bool about;	/* not confirmed by a second source */
};

#define PRICES_FALLBACK_REGION "us-east-1"

struct price_list {
	const char *region;
	struct price_figure figures[PRICE_COUNT];
};

extern const struct price_name price_names[PRICE_COUNT];
extern const struct price_list price_lists[];
extern const unsigned price_lists_n;

/* The list of the region, or that of PRICES_FALLBACK_REGION for a region without one. Never NULL. */
const struct price_list *price_list_find(const char *region);

/* The price of an item in the region. A price that is taken from another region is marked `about`. */
struct price_figure price_find(const char *region, enum price item);

#endif
