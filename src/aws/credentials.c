#include "aws/credentials.h"

#include "aws/profile.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/secret_env.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHARED_VARIABLE "AWS_SHARED_CREDENTIALS_FILE"
#define CONFIG_VARIABLE "AWS_CONFIG_FILE"

struct search {
	const char *wanted;  /* by the settings, or NULL */
	const char *profile; /* whatever it comes from */
	char section[300];   /* of the profile in the config file */
	char *shared_path, *config_path;
	cJSON *shared, *config;
};

/* Where keys may come from, in the order of asking. load: 1 found, 0 not here, negative errno. */
struct source {
	int (*load)(const struct search *s, const struct source *self, struct aws_credentials *ret, struct error *err);
	const char *key;  /* what gives it away in a profile */
	const char *what; /* in words, for those that are not supported */
};

void aws_credentials_free(struct aws_credentials *c)
{
	secret_free_text(c->key_id);
	secret_free_text(c->secret);
	secret_free_text(c->token);
	*c = (struct aws_credentials){0};
}

/* A value and the name that people know it by: a variable, or "<file>: <key> of [<section>]". */
struct named {
	char name[PATH_MAX + 400];
	const char *value;
};

/*
 * The key ID and the token go into headers, where a line feed would begin another one. Blanks around the secret or the
 * token are left as they are, as botocore does; files are trimmed by their reader.
 */
static int check_characters(const struct named *n, char lowest, struct error *err)
{
	for (const char *p = n->value; *p; p++) {
		if (*p >= lowest && *p <= '~')
			continue;
		error_set(err, -ENOKEY, "%s contains %s", n->name,
			  *p == ' '			       ? "a blank"
			  : *p > 0 && (*p < ' ' || *p == 0x7f) ? "a control character (as a line feed)"
							       : "a character that is not ASCII");
		error_remedy(err, "set it again, without line feeds and blanks");
		return -ENOKEY;
	}
	return 0;
}

struct keys {
	struct named key_id, secret, token;
};

static int take_keys(struct aws_credentials *ret, const struct keys *k, struct error *err)
{
	int r = check_characters(&k->key_id, '!', err);

	if (r == 0)
		r = check_characters(&k->secret, ' ', err);
	if (r == 0)
		r = check_characters(&k->token, ' ', err);
	if (r < 0)
		return r;
	ret->key_id = secret_strdup(k->key_id.value);
	ret->secret = secret_strdup(k->secret.value);
	ret->token = secret_strdup(k->token.value);
	return ret->key_id && ret->secret && ret->token ? 1 : -ENOMEM;
}

static const char *variable(const char *name)
{
	const char *value = secret_env_get(name);

	return value ? value : "";
}

static int from_environment(const struct search *s, const struct source *self, struct aws_credentials *ret,
			    struct error *err)
{
	const char *expires = variable("AWS_CREDENTIAL_EXPIRATION");
	struct keys k = {.key_id = {"AWS_ACCESS_KEY_ID", variable("AWS_ACCESS_KEY_ID")},
			 .secret = {"AWS_SECRET_ACCESS_KEY", variable("AWS_SECRET_ACCESS_KEY")},
			 .token = {"AWS_SESSION_TOKEN", variable("AWS_SESSION_TOKEN")}};

	(void)self;
	if (s->wanted || !*k.key_id.value)
		return 0;
	if (!*k.secret.value)
		return error_set(err, -ENOKEY, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	if (*expires)
		ret->expires_ms = clock_parse(expires);
	if (ret->expires_ms < 0)
		return error_set(err, -ENOKEY, "AWS_CREDENTIAL_EXPIRATION is not a time: %s", expires);
	if (!*k.token.value)
		k.token = (struct named){"AWS_SECURITY_TOKEN", variable("AWS_SECURITY_TOKEN")};
	return take_keys(ret, &k, err);
}

static void name_key(struct named *n, const cJSON *file, const char *path, const char *section, const char *key)
{
	snprintf(n->name, sizeof(n->name), "%s: %s of [%s]", path, key, section);
	n->value = aws_profile_get(file, section, key);
}

static int from_section(const cJSON *file, const char *path, const char *section, struct aws_credentials *ret,
			struct error *err)
{
	struct keys k;

	name_key(&k.key_id, file, path, section, "aws_access_key_id");
	name_key(&k.secret, file, path, section, "aws_secret_access_key");
	name_key(&k.token, file, path, section, "aws_session_token");
	if (!*k.key_id.value)
		return 0;
	if (!*k.secret.value)
		return error_set(err, -ENOKEY, "%s: [%s] has aws_access_key_id, but no aws_secret_access_key", path,
				 section);
	return take_keys(ret, &k, err);
}

static int from_shared_file(const struct search *s, const struct source *self, struct aws_credentials *ret,
			    struct error *err)
{
	(void)self;
	return from_section(s->shared, s->shared_path, s->profile, ret, err);
}

static int from_config_file(const struct search *s, const struct source *self, struct aws_credentials *ret,
			    struct error *err)
{
	(void)self;
	return from_section(s->config, s->config_path, s->section, ret, err);
}

static int refuse_key(const struct search *s, const struct source *self, struct aws_credentials *ret, struct error *err)
{
	(void)ret;
	if (!*aws_profile_get(s->config, s->section, self->key) && !*aws_profile_get(s->shared, s->profile, self->key))
		return 0;
	error_set(err, -ENOKEY, "profile %s uses %s (%s), which vastfs does not support yet", s->profile, self->what,
		  self->key);
	error_remedy(err,
		     "eval \"$(aws configure export-credentials --profile %s --format env)\" and start vastfs again",
		     s->profile);
	return -ENOKEY;
}

static int refuse_variable(const struct search *s, const struct source *self, struct aws_credentials *ret,
			   struct error *err)
{
	(void)s;
	(void)ret;
	if (!*variable(self->key))
		return 0;
	error_set(err, -ENOKEY, "%s is set: vastfs does not support %s yet", self->key, self->what);
	error_remedy(err, "eval \"$(aws configure export-credentials --format env)\" and start vastfs again");
	return -ENOKEY;
}

static const struct source sources[] = {
	{from_environment, NULL, NULL},
	{refuse_key, "role_arn", "an assumed role"},
	{refuse_variable, "AWS_WEB_IDENTITY_TOKEN_FILE", "web identities"},
	{refuse_key, "web_identity_token_file", "a web identity"},
	{refuse_key, "sso_session", "IAM Identity Center"},
	{refuse_key, "sso_start_url", "IAM Identity Center"},
	{from_shared_file, NULL, NULL},
	{refuse_key, "login_session", "a console login"},
	{refuse_key, "credential_process", "an external program"},
	{from_config_file, NULL, NULL},
	{refuse_variable, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "container credentials"},
	{refuse_variable, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "container credentials"},
};

static int nothing_found(const struct search *s, struct error *err)
{
	error_set(err, -ENOKEY, "no AWS credentials: %slooked for profile %s in %s and %s",
		  s->wanted ? "" : "AWS_ACCESS_KEY_ID is not set; ", s->profile,
		  s->shared_path ? s->shared_path : "~/.aws/credentials",
		  s->config_path ? s->config_path : "~/.aws/config");
	error_remedy(err,
		     s->wanted ? "aws configure --profile %s, or another aws_profile"
			       : "aws configure --profile %s, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		     s->profile);
	return -ENOKEY;
}

static int open_search(struct search *s, struct error *err)
{
	int e;

	s->profile = aws_profile_name(s->wanted);
	aws_profile_section(s->profile, s->section, sizeof(s->section));
	s->shared_path = aws_profile_path(SHARED_VARIABLE, "credentials");
	s->config_path = aws_profile_path(CONFIG_VARIABLE, "config");
	e = aws_profile_read(s->shared_path, &s->shared, err);
	if (!e)
		e = aws_profile_read(s->config_path, &s->config, err);
	if (e < 0 && e != -ENOMEM && err)
		err->errnum = -ENOKEY;
	return e < 0 && e != -ENOMEM ? -ENOKEY : e;
}

static void close_search(struct search *s)
{
	free(s->shared_path);
	free(s->config_path);
	secret_free_json(s->shared);
	secret_free_json(s->config);
}

static int run_search(const struct search *s, struct aws_credentials *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		int e = sources[i].load(s, &sources[i], ret, err);

		if (e)
			return e < 0 ? e : 0;
	}
	return nothing_found(s, err);
}

int aws_credentials_load(const char *profile, struct aws_credentials *ret, struct error *err)
{
	struct search s = {.wanted = profile && *profile ? profile : NULL};
	int e;

	*ret = (struct aws_credentials){.files = aws_credentials_files()};
	e = open_search(&s, err);
	if (!e)
		e = run_search(&s, ret, err);
	close_search(&s);
	if (e < 0)
		aws_credentials_free(ret);
	return e;
}

static uint64_t file_state(const char *name_variable, const char *name)
{
	_free_ char *path = aws_profile_path(name_variable, name);
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return 1;
	return ((uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_sec) * 1000003 + (uint64_t)st.st_mtim.tv_nsec +
	       (uint64_t)st.st_size;
}

uint64_t aws_credentials_files(void)
{
	return file_state(SHARED_VARIABLE, "credentials") * 31 + file_state(CONFIG_VARIABLE, "config");
}
