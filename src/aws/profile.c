#include "aws/profile.h"

#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

struct reader {
	cJSON *root;
	cJSON *section; /* NULL before the first */
	cJSON *nest;	/* the last key at the margin, which indented lines belong to */
};

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r");
	len = strlen(s);
	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s;
}

static cJSON *member(cJSON *in, const char *name)
{
	cJSON *node = cJSON_GetObjectItemCaseSensitive(in, name);

	return node ? node : cJSON_AddObjectToObject(in, name);
}

static int take_section(struct reader *r, char *line)
{
	char *end = strchr(line, ']');

	if (end)
		*end = '\0';
	r->nest = NULL;
	r->section = member(r->root, trim(line + 1));
	return r->section ? 0 : -ENOMEM;
}

/* Sets key = value; what was a plain text and gets nested keys becomes an object. */
static cJSON *set(cJSON *in, const char *key, const char *value)
{
	cJSON *node = cJSON_CreateString(value);

	if (!node)
		return NULL;
	secret_free_json(cJSON_DetachItemFromObjectCaseSensitive(in, key));
	cJSON_AddItemToObject(in, key, node);
	return node;
}

static cJSON *nested_object(struct reader *r)
{
	cJSON *object;

	if (!r->nest || cJSON_IsObject(r->nest))
		return r->nest;
	object = cJSON_CreateObject();
	if (!object || !cJSON_ReplaceItemInObjectCaseSensitive(r->section, r->nest->string, object)) {
		cJSON_Delete(object);
		return NULL;
	}
	r->nest = object;
	return object;
}

/* Drops a comment behind a value; it begins with a blank. */
static void cut_comment(char *value)
{
	for (char *p = value; *p; p++)
		if ((*p == '#' || *p == ';') && p > value && (p[-1] == ' ' || p[-1] == '\t'))
			*p = '\0';
}

static int take_line(struct reader *r, char *line)
{
	bool indented = *line == ' ' || *line == '\t';
	char *equals;
	cJSON *into = r->section;

	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return take_section(r, line);
	equals = strchr(line, '=');
	if (!equals || !r->section)
		return 0;
	*equals = '\0';
	cut_comment(equals + 1);
	if (indented && r->nest && (cJSON_IsObject(r->nest) || !*r->nest->valuestring)) {
		into = nested_object(r);
		return into && set(into, trim(line), trim(equals + 1)) ? 0 : -ENOMEM;
	}
	r->nest = set(into, trim(line), trim(equals + 1));
	return r->nest ? 0 : -ENOMEM;
}

int aws_profile_parse(const char *text, cJSON **ret)
{
	struct reader r = {.root = cJSON_CreateObject()};
	size_t size = strlen(text) + 1;
	char *copy = secret_alloc(size), *rest = copy, *line;
	int e = r.root && copy ? 0 : -ENOMEM;

	if (!e)
		memcpy(copy, text, size);
	while (!e && (line = strsep(&rest, "\n")))
		e = take_line(&r, line);
	secret_free(copy, size);
	if (e < 0) {
		secret_free_json(r.root);
		return e;
	}
	*ret = r.root;
	return 0;
}

static int profile_refuse(const char *path, int e, const char *why, struct error *err)
{
	error_set(err, e, "%s cannot be read: %s", path, why);
	error_remedy(err, "fix or remove %s", path);
	return e;
}

static int profile_read_fd(int fd, const char *path, cJSON **ret, struct error *err)
{
	char *text;
	size_t len, size;
	int e = secret_read(fd, FILE_MAX, &text, &len, &size);

	if (e < 0)
		return profile_refuse(path, e, file_explain(e), err);
	e = strlen(text) == len
		    ? aws_profile_parse(text, ret)
		    : profile_refuse(path, -EBADMSG, "it contains a NUL byte, so it is not a text file", err);
	secret_free(text, size);
	return e;
}

int aws_profile_read(const char *path, cJSON **ret, struct error *err)
{
	_close_ int fd = path ? file_open_regular_or_null(path) : -ENOENT;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return aws_profile_parse("", ret);
	if (fd < 0)
		return profile_refuse(path, fd, file_explain(fd), err);
	return profile_read_fd(fd, path, ret, err);
}

char *aws_profile_path(const char *variable, const char *name)
{
	const char *path = getenv(variable);
	const char *dir = path_home();
	char *out = NULL;

	if (path && *path && strncmp(path, "~/", 2) != 0)
		return strdup(path);
	if (!dir)
		return NULL;
	if (path && *path)
		return asprintf(&out, "%s%s", dir, path + 1) < 0 ? NULL : out;
	return asprintf(&out, "%s/.aws/%s", dir, name) < 0 ? NULL : out;
}

const char *aws_profile_get(const cJSON *file, const char *section, const char *key)
{
	const cJSON *in = cJSON_GetObjectItemCaseSensitive(file, section);
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, key));

	return value ? value : "";
}

char *aws_profile_section(const char *profile, char *out, size_t size)
{
	snprintf(out, size, "%s%s", strcmp(profile, "default") == 0 ? "" : "profile ", profile);
	return out;
}

const char *aws_profile_name(const char *wanted)
{
	static const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};

	if (wanted && *wanted)
		return wanted;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *name = getenv(variables[i]);

		if (name && *name)
			return name;
	}
	return "default";
}
