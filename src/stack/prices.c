/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/prices.h"

#include <string.h>

static const struct price_list *price_list_of(const char *region)
{
	for (unsigned i = 0; i < price_lists_n; i++)
		if (strcmp(price_lists[i].region, region) == 0)
			return &price_lists[i];
	return NULL;
}

const struct price_list *price_list_find(const char *region)
{
	const struct price_list *list = price_list_of(region);

	return list ? list : price_list_of(PRICES_FALLBACK_REGION);
}

struct price_figure price_find(const char *region, enum price item)
{
	const struct price_list *list = price_list_find(region);
	struct price_figure figure = list->figures[item];

	if (strcmp(list->region, region) != 0)
		figure.about = true;
	return figure;
}
