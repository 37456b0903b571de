/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/json.h"

#include <errno.h>

static cJSON *json_made(int *r, cJSON *json)
{
	if (!json)
		*r = -ENOMEM;
	return json;
}

cJSON *json_object(int *r)
{
	return *r < 0 ? NULL : json_made(r, cJSON_CreateObject());
}

cJSON *json_array(int *r)
{
	return *r < 0 ? NULL : json_made(r, cJSON_CreateArray());
}

void json_add(int *r, cJSON *object, const char *name, cJSON *value)
{
	if (*r == 0 && value && cJSON_AddItemToObject(object, name, value))
		return;
	cJSON_Delete(value);
	if (*r == 0)
		*r = -ENOMEM;
}

void json_add_text(int *r, cJSON *object, const char *name, const char *value)
{
	if (*r == 0)
		json_add(r, object, name, cJSON_CreateString(value));
}

void json_add_number(int *r, cJSON *object, const char *name, double value)
{
	if (*r == 0)
		json_add(r, object, name, cJSON_CreateNumber(value));
}

void json_add_true(int *r, cJSON *object, const char *name)
{
	if (*r == 0)
		json_add(r, object, name, cJSON_CreateTrue());
}

void json_append(int *r, cJSON *array, cJSON *value)
{
	if (*r == 0 && value && cJSON_AddItemToArray(array, value))
		return;
	cJSON_Delete(value);
	if (*r == 0)
		*r = -ENOMEM;
}

void json_append_text(int *r, cJSON *array, const char *value)
{
	if (*r == 0)
		json_append(r, array, cJSON_CreateString(value));
}

/* cJSON does not report the reason of a failure, so the allocator records that memory was missing. */
int json_parse(const char *text, size_t len, cJSON **ret, const char **ret_end)
{
	errno = 0;
	*ret = cJSON_ParseWithLengthOpts(text, len, ret_end, false);
	return *ret ? 0 : errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

char *json_print(int *r, const cJSON *json)
{
	char *text = *r < 0 ? NULL : cJSON_PrintUnformatted(json);

	if (*r == 0 && !text)
		*r = -ENOMEM;
	return text;
}
