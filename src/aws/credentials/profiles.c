/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/profiles.h"

#include "aws/credentials/ini.h"
#include "aws/credentials/words.h"
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)

void aws_profiles_free(struct aws_profiles *p)
{
	free(p->config_path);
	free(p->shared_path);
	secret_free_json(p->merged);
	secret_free_json(p->config);
	secret_free_json(p->shared);
	cJSON_Delete(p->sso_sessions);
	cJSON_Delete(p->services);
	*p = (struct aws_profiles){0};
}

/* -- sections of the config file ------------------------------------------------------------------------------- */

static bool profiles_starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static int profiles_put(cJSON *into, const char *name, const cJSON *section)
{
	cJSON *copy = cJSON_Duplicate(section, true);

	secret_free_json(cJSON_DetachItemFromObjectCaseSensitive(into, name));
	if (copy && cJSON_AddItemToObject(into, name, copy))
		return 0;
	secret_free_json(copy);
	return -ENOMEM;
}

/* Stores the section [kind NAME] under NAME, which may be quoted. Sections of any other form are ignored. */
static int profiles_put_named(cJSON *into, const cJSON *section)
{
	char **words;
	int n = words_split(section->string, &words), r;

	if (n < 0)
		return n == -EINVAL ? 0 : n;
	r = n == 2 ? profiles_put(into, words[1], section) : 0;
	words_free(words);
	return r;
}

static int profiles_sort_section(struct aws_profiles *p, const cJSON *section)
{
	if (profiles_starts_with(section->string, "profile"))
		return profiles_put_named(p->config, section);
	if (profiles_starts_with(section->string, "sso-session"))
		return profiles_put_named(p->sso_sessions, section);
	if (profiles_starts_with(section->string, "services"))
		return profiles_put_named(p->services, section);
	return strcmp(section->string, "default") == 0 ? profiles_put(p->config, "default", section) : 0;
}

static int profiles_merge_section(cJSON *merged, const cJSON *section)
{
	cJSON *profile = cJSON_GetObjectItemCaseSensitive(merged, section->string);
	const cJSON *option;
	int r = 0;

	if (!profile)
		return profiles_put(merged, section->string, section);
	cJSON_ArrayForEach (option, section)
		if (r == 0)
			r = profiles_put(profile, option->string, option);
	return r;
}

static int profiles_merge(struct aws_profiles *p)
{
	const cJSON *section;
	int r = 0;

	p->merged = cJSON_Duplicate(p->config, true);
	if (!p->merged)
		return -ENOMEM;
	cJSON_ArrayForEach (section, p->shared)
		if (r == 0)
			r = profiles_merge_section(p->merged, section);
	return r;
}

static int profiles_sort(struct aws_profiles *p, const cJSON *sections)
{
	const cJSON *section;
	int r = 0;

	p->config = cJSON_CreateObject();
	p->sso_sessions = cJSON_CreateObject();
	p->services = cJSON_CreateObject();
	if (!p->config || !p->sso_sessions || !p->services)
		return -ENOMEM;
	cJSON_ArrayForEach (section, sections)
		if (r == 0)
			r = profiles_sort_section(p, section);
	return r;
}

static int profiles_refuse_text(const char *path, int r, struct error *err)
{
	if (r == -ENOMEM)
		return r;
	error_prefix(err, "cannot use %s", path);
	error_remedy(err, "fix or remove %s", path);
	return r;
}

int aws_profiles_parse(const char *config, size_t config_len, const char *shared, size_t shared_len,
		       struct aws_profiles *ret, struct error *err)
{
	_secret_json_ cJSON *sections = NULL;
	int r = ini_parse(config, config_len, &sections, err);

	if (r < 0)
		return profiles_refuse_text(ret->config_path, r, err);
	r = ini_parse(shared, shared_len, &ret->shared, err);
	if (r < 0)
		return profiles_refuse_text(ret->shared_path, r, err);
	r = profiles_sort(ret, sections);
	return r < 0 ? r : profiles_merge(ret);
}

/* -- files ----------------------------------------------------------------------------------------------------- */

static int profiles_refuse(const char *path, int r, struct error *err)
{
	error_set(err, r, "cannot read %s: %s", path, file_explain(r));
	error_remedy(err, "fix or remove %s", path);
	return r;
}

struct profiles_text {
	char *text;
	size_t len, size;
};

static int profiles_read(const char *path, struct profiles_text *ret, struct error *err)
{
	_close_ int fd = path ? file_open_regular_or_null(path) : -ENOENT;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	r = fd < 0 ? fd : secret_read(fd, FILE_MAX, &ret->text, &ret->len, &ret->size);
	return r < 0 ? profiles_refuse(path, r, err) : 0;
}

/* *ret is NULL without a home directory. */
static int profiles_path(const char *variable, const char *name, char **ret)
{
	const char *path = getenv(variable), *home = path_home();

	*ret = NULL;
	if (path) /* "" is a path that does not exist, so it disables the file */
		*ret = path_expand(path);
	else if (home && asprintf(ret, "%s/.aws/%s", home, name) < 0)
		*ret = NULL;
	return *ret || (!path && !home) ? 0 : -ENOMEM;
}

int aws_profiles_paths(char **ret_config, char **ret_shared)
{
	int r = profiles_path("AWS_CONFIG_FILE", "config", ret_config);
	int s = profiles_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", ret_shared);

	return r < 0 ? r : s;
}

int aws_profiles_load(struct aws_profiles *ret, struct error *err)
{
	struct profiles_text config = {.text = NULL}, shared = {.text = NULL};
	int r;

	*ret = (struct aws_profiles){0};
	r = aws_profiles_paths(&ret->config_path, &ret->shared_path);
	if (r == 0)
		r = profiles_read(ret->config_path, &config, err);
	if (r == 0)
		r = profiles_read(ret->shared_path, &shared, err);
	if (r == 0)
		r = aws_profiles_parse(config.text ? config.text : "", config.len, shared.text ? shared.text : "",
				       shared.len, ret, err);
	secret_free(config.text, config.size);
	secret_free(shared.text, shared.size);
	if (r < 0)
		aws_profiles_free(ret);
	return r;
}

/* -- lookup ---------------------------------------------------------------------------------------------------- */

const char *aws_profiles_chosen(const char *wanted)
{
	static const char *const variables[] = {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"};

	if (wanted && *wanted)
		return wanted;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (getenv(variables[i]))
			return getenv(variables[i]);
	return NULL;
}

const char *aws_profiles_get(const cJSON *profiles, const char *profile, const char *option)
{
	const cJSON *in = cJSON_GetObjectItemCaseSensitive(profiles, profile);

	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, option));
}
