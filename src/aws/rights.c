/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/rights.h"

#include <stdlib.h>
#include <string.h>

#define ACTION_SIZE 96

static int rights_compare(const void *action, const void *row)
{
	return strcmp(action, ((const struct rights_row *)row)->action);
}

const char *rights_role_of(const char *action)
{
	const struct rights_row *row =
		bsearch(action, rights_rows, rights_rows_n, sizeof(*rights_rows), rights_compare);

	return row ? row->role : NULL;
}

bool rights_are_missing(const struct error *err)
{
	return strncmp(err->code, "AccessDenied", 12) == 0 || strcmp(err->code, "UnauthorizedOperation") == 0 ||
	       strstr(err->message, "is not authorized to perform: ");
}

/* Copies the action that AWS's message names. */
static bool rights_find_action(const char *message, char action[ACTION_SIZE])
{
	static const char before[] = "is not authorized to perform: ";
	const char *found = strstr(message, before);
	size_t n;

	if (!found)
		return false;
	found += strlen(before);
	n = strspn(found, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-");
	if (n == 0 || n >= ACTION_SIZE)
		return false;
	memcpy(action, found, n);
	action[n] = '\0';
	return true;
}

void rights_remedy(struct error *err, const char *action)
{
	char named[ACTION_SIZE];
	const char *role;

	if (rights_find_action(err->message, named))
		action = named;
	role = action ? rights_role_of(action) : NULL;
	if (!action)
		error_remedy(err, "ask the administrator of the account for this permission");
	else if (strstr(err->message, "explicit deny"))
		error_remedy(err, "ask the administrator of the account to remove the explicit deny of %s", action);
	else if (role)
		error_remedy(err,
			     "attach the policy contrib/iam/%s.json, which allows %s, to these credentials, or ask the "
			     "administrator of the account to do it",
			     role, action);
	else
		error_remedy(err, "ask the administrator of the account to allow %s", action);
}
