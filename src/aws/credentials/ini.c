/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/ini.h"

#include "base/secret.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)
#define DEFAULTS       "DEFAULT"

struct ini {
	cJSON *root, *defaults; /* [DEFAULT] is not a section itself */
	cJSON *section;		/* the current section; NULL before the first one */
	cJSON *option;		/* the current value, an array of lines; NULL: no value can continue */
	size_t indent;		/* characters before the current option or section */
	unsigned line_number;
	struct error *err;
};

struct span {
	const char *at;
	size_t len;
};

static int ini_refuse(struct ini *ini, const char *what)
{
	return error_set(ini->err, -EINVAL, "line %u: %s", ini->line_number, what);
}

/* -- blanks ---------------------------------------------------------------------------------------------------- */

/*
 * Strips blanks from both ends. *ret_indent is the number of characters that were removed at the front; it may be NULL.
 */
static struct span ini_strip(struct span s, size_t *ret_indent)
{
	size_t indent = 0, n;

	while ((n = utf8_blank_at(s.at, s.len)) > 0) {
		s.at += n;
		s.len -= n;
		indent++;
	}
	while ((n = utf8_blank_before(s.at, s.len)) > 0)
		s.len -= n;
	if (ret_indent)
		*ret_indent = indent;
	return s;
}

/* A value may be a secret, so copies are overwritten when they are freed. */
static char *ini_copy(struct span s)
{
	return secret_printf("%.*s", (int)s.len, s.at);
}

/* -- sections and options -------------------------------------------------------------------------------------- */

static int ini_take_section(struct ini *ini, struct span line)
{
	_secret_text_ char *name = NULL;
	const char *end = memrchr(line.at, ']', line.len);

	name = ini_copy((struct span){line.at + 1, (size_t)(end - line.at) - 1});
	if (!name)
		return -ENOMEM;
	ini->option = NULL;
	if (strcmp(name, DEFAULTS) == 0) {
		ini->section = ini->defaults;
		return 0;
	}
	if (cJSON_GetObjectItemCaseSensitive(ini->root, name))
		return error_set(ini->err, -EINVAL, "line %u: section [%s] appears twice", ini->line_number, name);
	ini->section = cJSON_AddObjectToObject(ini->root, name);
	return ini->section ? 0 : -ENOMEM;
}

/* As in configparser, "[x" without a closing bracket and "[]" do not start a section. */
static bool ini_is_section(struct span line)
{
	const char *end = line.len > 2 && *line.at == '[' ? memrchr(line.at, ']', line.len) : NULL;

	return end && end > line.at + 1;
}

static int ini_add_line(struct ini *ini, struct span value)
{
	_secret_text_ char *text = ini_copy(value);
	cJSON *line = text ? cJSON_CreateString(text) : NULL;

	if (line && cJSON_AddItemToArray(ini->option, line))
		return 0;
	cJSON_Delete(line);
	return -ENOMEM;
}

static size_t ini_find_separator(struct span line)
{
	size_t i = 0;

	while (i < line.len && line.at[i] != '=' && line.at[i] != ':')
		i++;
	return i;
}

static int ini_take_option(struct ini *ini, struct span line)
{
	size_t at = ini_find_separator(line);
	struct span name = ini_strip((struct span){line.at, at}, NULL);
	_secret_text_ char *key = ini_copy(name);

	if (!key)
		return -ENOMEM;
	if (at == line.len || !*key)
		return ini_refuse(ini, "neither a [section] nor an option; expected name = value");
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (cJSON_GetObjectItemCaseSensitive(ini->section, key))
		return error_set(ini->err, -EINVAL, "line %u: option %s appears twice in its section", ini->line_number,
				 key);
	ini->option = cJSON_AddArrayToObject(ini->section, key);
	if (!ini->option)
		return -ENOMEM;
	return ini_add_line(ini, ini_strip((struct span){line.at + at + 1, line.len - at - 1}, NULL));
}

static int ini_take_line(struct ini *ini, struct span raw)
{
	size_t indent;
	struct span line = ini_strip(raw, &indent);

	if (line.len && (*line.at == '#' || *line.at == ';'))
		return 0;
	if (!line.len)
		return ini->option ? ini_add_line(ini, line) : 0;
	if (ini->option && indent > ini->indent)
		return ini_add_line(ini, line);
	ini->indent = indent;
	if (ini_is_section(line))
		return ini_take_section(ini, line);
	if (!ini->section)
		return ini_refuse(ini, strncmp(raw.at, "\xef\xbb\xbf", 3) == 0
					       ? "the file begins with a byte order mark; save it without one"
					       : "expected a [section] before the first option");
	return ini_take_option(ini, line);
}

/* A line ends with a line feed, a carriage return or both. */
static int ini_take_lines(struct ini *ini, const char *text, size_t len)
{
	int r = 0;

	while (len > 0 && r == 0) {
		size_t n = 0, end;

		while (n < len && text[n] != '\n' && text[n] != '\r')
			n++;
		end = n < len && text[n] == '\r' && n + 1 < len && text[n + 1] == '\n' ? n + 2 : n + (n < len);
		ini->line_number++;
		r = ini_take_line(ini, (struct span){text, n});
		text += end;
		len -= end;
	}
	return r;
}

/* -- values ---------------------------------------------------------------------------------------------------- */

/* Every line of a nested block has the form "name = value". */
static int ini_take_nested(cJSON *block, const char *text, struct error *err)
{
	struct span line = ini_strip((struct span){text, strlen(text)}, NULL);
	const char *equals = memchr(line.at, '=', line.len);
	_secret_text_ char *name = NULL, *value = NULL;

	if (!line.len)
		return 0;
	if (!equals)
		return error_set(err, -EINVAL, "'%.*s' in a nested block is not name = value", (int)line.len, line.at);
	name = ini_copy(ini_strip((struct span){line.at, (size_t)(equals - line.at)}, NULL));
	value = ini_copy(ini_strip((struct span){equals + 1, (size_t)(line.at + line.len - equals) - 1}, NULL));
	if (!name || !value)
		return -ENOMEM;
	cJSON_DeleteItemFromObjectCaseSensitive(block, name);
	return cJSON_AddStringToObject(block, name, value) ? 0 : -ENOMEM;
}

static cJSON *ini_nested(const cJSON *lines, struct error *err, int *ret)
{
	cJSON *block = cJSON_CreateObject();
	const cJSON *line;

	*ret = block ? 0 : -ENOMEM;
	cJSON_ArrayForEach (line, lines)
		if (*ret == 0)
			*ret = ini_take_nested(block, line->valuestring, err);
	return block;
}

static cJSON *ini_joined(const cJSON *lines, int *ret)
{
	_secret_buf_ struct buf text = BUF_INIT(LINE_MAX_BYTES);
	const cJSON *line;
	size_t n;
	cJSON *value;

	cJSON_ArrayForEach (line, lines)
		buf_printf(&text, "%s%s", line == lines->child ? "" : "\n", line->valuestring);
	while (text.len && (n = utf8_blank_before(text.data, text.len)) > 0)
		text.data[text.len -= n] = '\0';
	value = cJSON_CreateString(buf_str(&text));
	*ret = value ? text.error : -ENOMEM;
	return value;
}

static bool ini_is_nested(const cJSON *lines)
{
	const cJSON *line = lines->child;

	if (!line || *line->valuestring)
		return false;
	for (line = line->next; line; line = line->next)
		if (*line->valuestring)
			return true;
	return false;
}

/* Overwrites the lines before they are freed, because they may contain a secret. */
static void ini_forget_lines(cJSON *lines)
{
	cJSON *line;

	cJSON_ArrayForEach (line, lines)
		explicit_bzero(line->valuestring, strlen(line->valuestring));
}

/*
 * Joins the lines of every option into its value. cJSON_ReplaceItemInObject would copy the name, and without memory the
 * option would lose it.
 */
static int ini_finish_section(cJSON *section, struct error *err)
{
	cJSON *option = section->child;
	int r = 0;

	while (option) {
		cJSON *value = ini_is_nested(option) ? ini_nested(option, err, &r) : ini_joined(option, &r);
		cJSON *next = option->next;

		ini_forget_lines(option);
		if (r < 0) {
			secret_free_json(value);
			return r;
		}
		value->string = move_ptr(option->string);
		cJSON_ReplaceItemViaPointer(section, option, value);
		option = next;
	}
	return 0;
}

static int ini_apply_defaults(const cJSON *defaults, cJSON *section)
{
	const cJSON *option;

	cJSON_ArrayForEach (option, defaults) {
		cJSON *copy;

		if (cJSON_GetObjectItemCaseSensitive(section, option->string))
			continue;
		copy = cJSON_Duplicate(option, true);
		if (!copy || !cJSON_AddItemToObject(section, option->string, copy)) {
			secret_free_json(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

static int ini_finish(struct ini *ini)
{
	int r = ini_finish_section(ini->defaults, ini->err);
	cJSON *section;

	cJSON_ArrayForEach (section, ini->root) {
		if (r == 0)
			r = ini_finish_section(section, ini->err);
		if (r == 0)
			r = ini_apply_defaults(ini->defaults, section);
	}
	return r;
}

int ini_parse(const char *text, size_t len, cJSON **ret, struct error *err)
{
	struct ini ini = {.root = cJSON_CreateObject(), .defaults = cJSON_CreateObject(), .err = err};
	int r = ini.root && ini.defaults ? 0 : -ENOMEM;

	*ret = NULL;
	if (r == 0 && memchr(text, '\0', len))
		r = error_set(err, -EINVAL, "it contains a NUL byte, so it is not a text file");
	if (r == 0 && !utf8_is_valid(text, len))
		r = error_set(err, -EINVAL, "it is not UTF-8 text");
	if (r == 0)
		r = ini_take_lines(&ini, text, len);
	if (r == 0)
		r = ini_finish(&ini);
	if (r == 0)
		*ret = move_ptr(ini.root);
	secret_free_json(ini.root);
	secret_free_json(ini.defaults);
	return r;
}
