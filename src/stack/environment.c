/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/environment.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <string.h>

/* One NAME=value pair, without the blanks around it. */
struct environment_pair {
	const char *text;
	size_t len;
	size_t name_len; /* 0: the pair does not start with a name and = */
};

size_t environment_name_length(const char *text, size_t len)
{
	size_t n = 0;

	if (len == 0 || isdigit((unsigned char)*text))
		return 0;
	while (n < len && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	return n < len && text[n] == '=' ? n : 0;
}

/* Reads the pair at *at and moves *at behind its comma, or to NULL at the end. A comma at the end is followed by an
 * empty pair. */
static bool environment_next(const char **at, struct environment_pair *ret)
{
	size_t len;

	if (!*at)
		return false;
	*at += strspn(*at, " \t");
	len = strcspn(*at, ",");
	ret->text = *at;
	*at = ret->text[len] == ',' ? ret->text + len + 1 : NULL;
	while (len > 0 && (ret->text[len - 1] == ' ' || ret->text[len - 1] == '\t'))
		len--;
	ret->len = len;
	ret->name_len = environment_name_length(ret->text, len);
	return true;
}

static bool environment_has_before(const char *value, const struct environment_pair *pair)
{
	struct environment_pair other;

	while (environment_next(&value, &other) && other.text < pair->text)
		if (other.name_len == pair->name_len && memcmp(other.text, pair->text, pair->name_len) == 0)
			return true;
	return false;
}

int environment_check_reference(const char *value, struct error *err)
{
	if (!strstr(value, "{{resolve:"))
		return 0;
	return error_set(
		err, -EINVAL,
		"CloudFormation would replace {{resolve:...}}, for instance by a secret, which everybody who may "
		"read the stack could see");
}

int environment_check(const char *value, struct error *err)
{
	const char *at = value;
	struct environment_pair pair;

	if (environment_check_reference(value, err) < 0)
		return -EINVAL;
	while (environment_next(&at, &pair)) {
		if (pair.name_len == 0) {
			error_set(err, -EINVAL, "\"%.*s\" is not NAME=value", pair.len < 80 ? (int)pair.len : 80,
				  pair.text);
			error_remedy(err, "write a value that contains a comma before the command: "
					  "vast_command = NAME='a,b' vast start");
			return -EINVAL;
		}
		if (environment_has_before(value, &pair))
			return error_set(err, -EINVAL, "%.*s is set twice",
					 pair.name_len < 80 ? (int)pair.name_len : 80, pair.text);
	}
	return 0;
}

int environment_write(const char *value, struct buf *out)
{
	const char *at = *value ? value : NULL;
	struct environment_pair pair;

	while (environment_next(&at, &pair))
		buf_printf(out, "%.*s%s", (int)pair.len, pair.text, at ? "," : "");
	return out->error;
}
