/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/page.h"

#include <string.h>

const char *aws_page_next(const struct aws_paging *p, const cJSON *page)
{
	return p->token_out ? aws_text(page, p->token_out) : "";
}

/* The object that contains the list, and the name of the list in it. */
static cJSON *page_holder(cJSON *tree, const char *path, const char **ret_name)
{
	char above[128];
	const char *dot = strrchr(path, '.');

	*ret_name = dot ? dot + 1 : path;
	snprintf(above, sizeof(above), "%.*s", dot ? (int)(dot - path) : 0, path);
	return (cJSON *)(uintptr_t)aws_at(tree, above);
}

/* The list in whole; created if absent, because the first page may lack it. */
static cJSON *page_list(cJSON *whole, const char *path)
{
	const char *name;
	cJSON *in = page_holder(whole, path, &name);
	cJSON *list = cJSON_GetObjectItemCaseSensitive(in, name);

	if (cJSON_IsArray(list))
		return list;
	cJSON_DeleteItemFromObjectCaseSensitive(in, name);
	return cJSON_AddArrayToObject(in, name);
}

bool aws_page_bound(const struct aws_paging *p, cJSON *whole)
{
	cJSON *list = p->list ? (cJSON *)(uintptr_t)aws_at(whole, p->list) : NULL;
	int most = p->most ? p->most : AWS_ENTRIES_MOST, n = 0;
	cJSON *entry = cJSON_IsArray(list) ? list->child : NULL;

	while (entry) {
		cJSON *next = entry->next;

		if (n++ >= most)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, entry));
		entry = next;
	}
	return n > most;
}

int aws_page_join(const struct aws_paging *p, cJSON *whole, cJSON *page)
{
	cJSON *from = (cJSON *)(uintptr_t)aws_at(page, p->list);
	const char *name;
	cJSON *to;

	if (!cJSON_IsObject(page_holder(whole, p->list, &name)))
		return -EBADMSG;
	to = page_list(whole, p->list);
	if (!to)
		return -ENOMEM;
	while (cJSON_IsArray(from) && from->child)
		cJSON_AddItemToArray(to, cJSON_DetachItemViaPointer(from, from->child));
	return 0;
}
