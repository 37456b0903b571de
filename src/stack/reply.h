/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.h - reads AWS's replies in the pure files of this room, which are linked and tested without the client (aws/).
 * Any thread; returned values belong to the reply.
 *
 * In a reply that was XML every value is a text, and an empty list may be an empty text; these functions accept both
 * forms.
 */
#ifndef VASTFS_STACK_REPLY_H
#define VASTFS_STACK_REPLY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

/* An object's text member, "" if there is none. */
static inline const char *reply_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

static inline const cJSON *reply_at(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* True for XML's "true" and JSON's true. */
static inline bool reply_bool(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(reply_at(object, name)) || strcmp(reply_text(object, name), "true") == 0;
}

#endif
