/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.h - builds JSON with cJSON, so that the caller needs to check for missing memory only once, at the end; parses
 * JSON with separate errors for malformed text and for missing memory.
 *
 * Every function that builds takes the result so far in *r: it sets *r to -ENOMEM if memory is missing, and adds
 * nothing while *r is negative. So an object that lacks a member is never mistaken for a complete one. Any thread.
 */
#ifndef VASTFS_BASE_JSON_H
#define VASTFS_BASE_JSON_H

#include "base/cleanup.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

static inline void json_cleanup(cJSON **json)
{
	cJSON_Delete(*json);
}

#define _json_ _cleanup_(json_cleanup)

/* An empty object or array that the caller frees; NULL if *r is negative. */
cJSON *json_object(int *r);
cJSON *json_array(int *r);

/* Adds a member. Takes ownership of value, also after a failure; if value is NULL, there was no memory for it. */
void json_add(int *r, cJSON *object, const char *name, cJSON *value);
void json_add_text(int *r, cJSON *object, const char *name, const char *value);
void json_add_number(int *r, cJSON *object, const char *name, double value);
void json_add_true(int *r, cJSON *object, const char *name);

/* Adds an entry to an array, in the same way as json_add(). */
void json_append(int *r, cJSON *array, cJSON *value);
void json_append_text(int *r, cJSON *array, const char *value);

/*
 * Parses text, which need not end with a NUL and may continue after the value: *ret_end, unless ret_end is NULL, is set
 * to the first byte after the value. 0: the caller frees *ret. -ENOMEM, or -EBADMSG if it is not JSON; *ret is NULL
 * then.
 */
int json_parse(const char *text, size_t len, cJSON **ret, const char **ret_end);

/* The JSON as text without whitespace, which the caller frees; NULL if *r is negative. */
char *json_print(int *r, const cJSON *json);

#endif
