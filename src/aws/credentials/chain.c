/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/chain.h"

#include "aws/credentials/imds.h"
#include "aws/credentials/role_limits.h"
#include "aws/credentials/words.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/secret_env.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER_HOST "http://169.254.170.2"

struct chain {
	const struct aws_profiles *profiles;
	const char *profile;	 /* the profile that is searched */
	bool no_environment;	 /* a profile was named, so the environment's credentials are ignored */
	const char *visited[32]; /* the profiles that the chain of assumed roles has passed */
	size_t visited_n;
	struct error *err;
};

/* Searches one place: 1 if *s was filled, 0 if nothing is configured there, or a negative errno with a message. */
typedef int chain_finder(struct chain *c, struct credential_source *s);

static int chain_role(struct chain *c, struct credential_source *s);

/* -- helpers --------------------------------------------------------------------------------------------------- */

static int chain_refuse(struct chain *c, const char *format, ...) _printf_(2, 3);

static int chain_refuse(struct chain *c, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return error_set(c->err, -ENOKEY, "%s", message);
}

static int chain_refuse_variable(struct chain *c, const char *message)
{
	chain_refuse(c, "%s", message);
	error_remedy(c->err, "set the other variable too, or unset this one, and start vastfs again");
	return -ENOKEY;
}

static int chain_label(struct credential_source *s, const char *format, ...) _printf_(2, 3);

static int chain_label(struct credential_source *s, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&s->label, format, args);
	va_end(args);
	if (n < 0)
		s->label = NULL;
	return n < 0 ? -ENOMEM : 1;
}

static int chain_copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static const char *chain_option(const struct chain *c, const char *option)
{
	return aws_profiles_get(c->profiles->merged, c->profile, option);
}

/* -- static credentials ---------------------------------------------------------------------------------------- */

/* A value and its location for messages: a variable, or "<file>: <option> of [<section>]". */
struct chain_value {
	char where[PATH_MAX + 400];
	const char *value;
};

/*
 * The key ID and the token become HTTP headers, where a line feed would start another header. Blanks around the secret
 * or the token are kept, as in botocore. The reader of the files has already stripped values that come from a file.
 */
static int chain_check_characters(struct chain *c, const struct chain_value *v, char lowest)
{
	for (const char *p = v->value; *p; p++) {
		if (*p >= lowest && *p <= '~')
			continue;
		chain_refuse(c, "%s contains %s", v->where,
			     *p == ' '				  ? "a blank"
			     : *p > 0 && (*p < ' ' || *p == 0x7f) ? "a control character, such as a line feed"
								  : "a character that is not ASCII");
		error_remedy(c->err, "set it again, without line feeds and blanks");
		return -ENOKEY;
	}
	return 0;
}

struct chain_keys {
	struct chain_value key_id, secret, token;
};

static int chain_take_keys(struct chain *c, struct credential_source *s, const struct chain_keys *k)
{
	int r = chain_check_characters(c, &k->key_id, '!');

	if (r == 0)
		r = chain_check_characters(c, &k->secret, ' ');
	if (r == 0)
		r = chain_check_characters(c, &k->token, ' ');
	if (r < 0)
		return r;
	s->kind = CREDENTIAL_STATIC;
	s->key_id = secret_strdup(k->key_id.value);
	s->secret = secret_strdup(k->secret.value);
	s->token = secret_strdup(k->token.value);
	return s->key_id && s->secret && s->token ? 1 : -ENOMEM;
}

static int chain_take_expiry(struct chain *c, struct credential_source *s)
{
	const char *expires = getenv("AWS_CREDENTIAL_EXPIRATION");

	if (!expires || !*expires)
		return 0;
	s->expires_ms = clock_parse(expires);
	return s->expires_ms > 0 ? 0 : chain_refuse(c, "AWS_CREDENTIAL_EXPIRATION is not a time: %s", expires);
}

static bool chain_variable(struct chain_value *v, const char *name)
{
	const char *value = secret_env_get(name);

	snprintf(v->where, sizeof(v->where), "%s", name);
	v->value = value ? value : "";
	return *v->value;
}

static int chain_environment(struct chain *c, struct credential_source *s)
{
	struct chain_keys k;
	int r;

	if (c->no_environment || !chain_variable(&k.key_id, "AWS_ACCESS_KEY_ID"))
		return 0;
	if (!chain_variable(&k.secret, "AWS_SECRET_ACCESS_KEY"))
		return chain_refuse_variable(c, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
	if (!chain_variable(&k.token, "AWS_SECURITY_TOKEN"))
		chain_variable(&k.token, "AWS_SESSION_TOKEN");
	r = chain_take_keys(c, s, &k);
	if (r > 0 && chain_take_expiry(c, s) < 0)
		return -ENOKEY;
	return r < 0 ? r : chain_label(s, "environment");
}

/* The section of the current profile in one of the two files. */
struct chain_section {
	const cJSON *sections;
	const char *path, *prefix;
};

static bool chain_section_value(const struct chain *c, const struct chain_section *in, const char *option,
				struct chain_value *v)
{
	const char *value = aws_profiles_get(in->sections, c->profile, option);

	snprintf(v->where, sizeof(v->where), "%s: %s of [%s%s]", in->path, option, in->prefix, c->profile);
	v->value = value ? value : "";
	return value;
}

static int chain_look_into(struct chain *c, struct credential_source *s, const struct chain_section *in)
{
	struct chain_keys k;
	int r;

	if (!chain_section_value(c, in, "aws_access_key_id", &k.key_id))
		return 0;
	if (!chain_section_value(c, in, "aws_secret_access_key", &k.secret))
		return chain_refuse(c, "%s: [%s%s] has aws_access_key_id, but no aws_secret_access_key", in->path,
				    in->prefix, c->profile);
	if (!chain_section_value(c, in, "aws_security_token", &k.token))
		chain_section_value(c, in, "aws_session_token", &k.token);
	r = chain_take_keys(c, s, &k);
	return r < 0 ? r : chain_label(s, "profile %s in %s", c->profile, in->path);
}

static int chain_shared_file(struct chain *c, struct credential_source *s)
{
	return chain_look_into(c, s, &(struct chain_section){c->profiles->shared, c->profiles->shared_path, ""});
}

static int chain_config_file(struct chain *c, struct credential_source *s)
{
	const char *prefix = strcmp(c->profile, "default") == 0 ? "" : "profile ";

	return chain_look_into(c, s, &(struct chain_section){c->profiles->config, c->profiles->config_path, prefix});
}

/* -- web identity ---------------------------------------------------------------------------------------------- */

/* A variable that is set takes precedence even if it is empty. */
static const char *chain_variable_or_option(const struct chain *c, const char *variable, const char *option)
{
	const char *value = c->no_environment ? NULL : getenv(variable);

	return value ? value : chain_option(c, option);
}

static int chain_check_role(struct chain *c, const char *arn, const char *session, const char *external_id)
{
	int r = role_check(arn, session, external_id, c->err);

	return r < 0 ? error_prefix(c->err, "profile %s", c->profile) : 0;
}

static int chain_web_identity(struct chain *c, struct credential_source *s)
{
	const char *file = chain_variable_or_option(c, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const char *role = chain_variable_or_option(c, "AWS_ROLE_ARN", "role_arn");
	const char *session = chain_variable_or_option(c, "AWS_ROLE_SESSION_NAME", "role_session_name");

	if (!file || !*file)
		return 0;
	if (!role || !*role)
		return chain_refuse(c, "%s is given as a web identity token, but no role_arn and no AWS_ROLE_ARN",
				    file);
	if (chain_check_role(c, role, session, NULL) < 0)
		return -ENOKEY;
	s->kind = CREDENTIAL_WEB_IDENTITY;
	if (chain_copy(&s->token_file, file) < 0 || chain_copy(&s->role_arn, role) < 0 ||
	    chain_copy(&s->session_name, session) < 0)
		return -ENOMEM;
	return chain_label(s, "role %s via web identity", role);
}

/* -- IAM Identity Center --------------------------------------------------------------------------------------- */

/* The session and the profile may both have an option only if the values are equal. */
static int chain_check_sso_session(struct chain *c, const cJSON *session)
{
	const cJSON *option;

	cJSON_ArrayForEach (option, session) {
		const char *own = chain_option(c, option->string);

		if (own && cJSON_IsString(option) && strcmp(own, option->valuestring) != 0)
			return chain_refuse(c, "profile %s and its sso-session differ in %s: %s and %s", c->profile,
					    option->string, own, option->valuestring);
	}
	return 0;
}

/* If the profile has a session, only the session gives the region and the start URL. */
static const char *chain_sso_option(const struct chain *c, const cJSON *session, const char *option)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(session, option));
	bool of_session = session && (strcmp(option, "sso_start_url") == 0 || strcmp(option, "sso_region") == 0);

	return value || of_session ? value : chain_option(c, option);
}

static int chain_take_sso(struct chain *c, struct credential_source *s, const cJSON *session)
{
	const struct {
		char **to;
		const char *option;
	} parts[] = {{&s->start_url, "sso_start_url"},
		     {&s->sso_region, "sso_region"},
		     {&s->account_id, "sso_account_id"},
		     {&s->role_name, "sso_role_name"}};

	s->kind = CREDENTIAL_SSO;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *value = chain_sso_option(c, session, parts[i].option);

		if (!value)
			return chain_refuse(c, "profile %s signs in to IAM Identity Center, but %s is missing",
					    c->profile, parts[i].option);
		if (chain_copy(parts[i].to, value) < 0)
			return -ENOMEM;
	}
	return chain_label(s, "sso profile %s", c->profile);
}

static int chain_sso(struct chain *c, struct credential_source *s)
{
	const char *name = chain_option(c, "sso_session");
	const cJSON *session = NULL;
	int r = 0;

	if (!chain_option(c, "sso_role_name") && !chain_option(c, "sso_account_id"))
		return 0;
	if (name) {
		session = cJSON_GetObjectItemCaseSensitive(c->profiles->sso_sessions, name);
		if (!session)
			return chain_refuse(c, "profile %s names the sso-session %s, which %s does not have",
					    c->profile, name, c->profiles->config_path);
		r = chain_check_sso_session(c, session);
	}
	if (r == 0)
		r = chain_copy(&s->sso_session, name);
	return r < 0 ? r : chain_take_sso(c, s, session);
}

/* -- external program and console login ------------------------------------------------------------------------ */

static int chain_process(struct chain *c, struct credential_source *s)
{
	const char *line = chain_option(c, "credential_process");
	int n;

	if (!line)
		return 0;
	n = words_split(line, &s->process);
	if (n == -ENOMEM)
		return n;
	if (n <= 0)
		return chain_refuse(c, "credential_process of profile %s is not a command: %s", c->profile,
				    n ? "a quotation mark is not closed" : "it is empty");
	s->kind = CREDENTIAL_PROCESS;
	return chain_label(s, "credential_process of profile %s", c->profile);
}

static int chain_login(struct chain *c, struct credential_source *s _unused_)
{
	if (!chain_option(c, "login_session"))
		return 0;
	chain_refuse(c, "profile %s signs in with the AWS CLI's console login (login_session), which vastfs cannot use",
		     c->profile);
	error_remedy(
		c->err,
		"set aws_profile in config/default.env to a profile with sso_session, then: touch control/login; or "
		"start vastfs again with keys in its environment, which the AWS CLI puts there with: "
		"eval \"$(aws configure export-credentials --profile %s --format env)\"",
		c->profile);
	return -ENOKEY;
}

static int chain_nothing(struct chain *c)
{
	chain_refuse(c, "no AWS credentials: %sprofile %s has none in %s and %s",
		     c->no_environment ? "" : "AWS_ACCESS_KEY_ID is not set, and ", c->profile,
		     c->profiles->shared_path, c->profiles->config_path);
	error_remedy(c->err,
		     "put aws_access_key_id and aws_secret_access_key into %s, or sso_session into a profile of "
		     "%s and touch control/login, or set AWS_PROFILE or aws_profile to another profile",
		     c->profiles->shared_path, c->profiles->config_path);
	return -ENOKEY;
}

/* -- container and instance endpoints -------------------------------------------------------------------------- */

static int chain_container(struct chain *c _unused_, struct credential_source *s)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (!relative && !full)
		return 0;
	s->kind = CREDENTIAL_CONTAINER;
	if (asprintf(&s->url, "%s%s", relative ? CONTAINER_HOST : "", relative ? relative : full) < 0) {
		s->url = NULL;
		return -ENOMEM;
	}
	return chain_label(s, "container");
}

static int chain_instance(struct chain *c, struct credential_source *s)
{
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	int r;

	if (disabled && strcasecmp(disabled, "true") == 0)
		return 0;
	chain_nothing(c);
	s->nothing = *c->err;
	*c->err = (struct error){0};
	s->kind = CREDENTIAL_INSTANCE;
	r = imds_configure(c->profiles, c->visited[0], s, c->err);
	return r < 0 ? r : chain_label(s, "instance");
}

/* -- search orders --------------------------------------------------------------------------------------------- */

static chain_finder *const chain_of_all[] = {
	chain_environment, chain_role,	  chain_web_identity, chain_sso,       chain_shared_file,
	chain_login,	   chain_process, chain_config_file,  chain_container, chain_instance,
};

/* The places that the source_profile of a role may use. */
static chain_finder *const chain_of_profile[] = {
	chain_web_identity, chain_sso, chain_shared_file, chain_login, chain_process, chain_config_file,
};

/* The values that credential_source may have. */
static const struct {
	const char *name;
	chain_finder *find;
} chain_named[] = {
	{"Environment", chain_environment},
	{"EcsContainer", chain_container},
	{"Ec2InstanceMetadata", chain_instance},
};

static int chain_look(struct chain *c, chain_finder *const *finders, size_t n, struct credential_source *s)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = finders[i](c, s);
	return r;
}

/* -- assumed roles --------------------------------------------------------------------------------------------- */

static bool chain_has_role(const struct chain *c)
{
	return chain_option(c, "role_arn") && !chain_option(c, "web_identity_token_file");
}

static bool chain_has_keys(const struct chain *c)
{
	return chain_option(c, "aws_access_key_id") || chain_option(c, "aws_secret_access_key");
}

static int chain_named_source(struct chain *c, const char *name, struct credential_source *s)
{
	const bool no_environment = c->no_environment;
	int r = -1;

	c->no_environment = false; /* credential_source names this place explicitly, so the environment is used */
	for (size_t i = 0; i < ARRAY_SIZE(chain_named); i++)
		if (strcmp(chain_named[i].name, name) == 0)
			r = chain_named[i].find(c, s);
	c->no_environment = no_environment;
	if (r == -1)
		return chain_refuse(c,
				    "profile %s: credential_source is %s; it may be Environment, EcsContainer or "
				    "Ec2InstanceMetadata",
				    c->profile, name);
	return r ? r
		 : chain_refuse(c, "profile %s: there are no credentials in its credential_source %s", c->profile,
				name);
}

static bool chain_was_visited(const struct chain *c, const char *profile)
{
	for (size_t i = 0; i < c->visited_n; i++)
		if (strcmp(c->visited[i], profile) == 0)
			return true;
	return false;
}

/* A profile may be its own source if it has keys. Any other return to a visited profile would be an endless loop. */
static int chain_check_source_profile(struct chain *c, const char *parent, const char *name)
{
	if (!cJSON_GetObjectItemCaseSensitive(c->profiles->merged, name))
		return chain_refuse(c, "profile %s: its source_profile %s does not exist", parent, name);
	c->profile = name;
	if (chain_was_visited(c, name) && (strcmp(name, parent) != 0 || !chain_has_keys(c)))
		return chain_refuse(c, "profile %s: its source_profile %s leads back to itself", parent, name);
	if (c->visited_n == ARRAY_SIZE(c->visited))
		return chain_refuse(c, "profile %s: more than %zu profiles follow each other by source_profile",
				    c->visited[0], ARRAY_SIZE(c->visited));
	c->visited[c->visited_n++] = name;
	return 0;
}

static int chain_source_profile(struct chain *c, const char *name, struct credential_source *s)
{
	const char *parent = c->profile;
	const bool no_environment = c->no_environment;
	int r = chain_check_source_profile(c, parent, name);

	if (r == 0 && chain_has_role(c) && !chain_has_keys(c)) {
		r = chain_role(c, s);
	} else if (r == 0) {
		c->no_environment = true;
		r = chain_look(c, chain_of_profile, ARRAY_SIZE(chain_of_profile), s);
		c->no_environment = no_environment;
	}
	if (r == 0)
		r = chain_refuse(c, "profile %s: its source_profile %s has no credentials", parent, name);
	c->profile = parent;
	return r;
}

static int chain_role_source(struct chain *c, struct credential_source *s)
{
	const char *from = chain_option(c, "credential_source"), *profile = chain_option(c, "source_profile");

	if (from && profile)
		return chain_refuse(c, "profile %s has both source_profile and credential_source", c->profile);
	if (!from && !profile)
		return chain_refuse(c, "profile %s has role_arn, but neither source_profile nor credential_source",
				    c->profile);
	return from ? chain_named_source(c, from, s) : chain_source_profile(c, profile, s);
}

static int chain_refuse_mfa(struct chain *c)
{
	chain_refuse(c, "profile %s requires a code of an MFA device (mfa_serial), which vastfs cannot request",
		     c->profile);
	error_remedy(
		c->err,
		"set aws_profile in config/default.env to a profile without mfa_serial; or start vastfs again with a "
		"session's keys in its environment, which the AWS CLI puts there with: "
		"eval \"$(aws configure export-credentials --profile %s --format env)\"",
		c->profile);
	return -ENOKEY;
}

static int chain_take_role(struct chain *c, struct credential_source *s)
{
	int r = chain_check_role(c, chain_option(c, "role_arn"), chain_option(c, "role_session_name"),
				 chain_option(c, "external_id"));

	s->kind = CREDENTIAL_ROLE;
	if (r == 0 && (r = role_duration(chain_option(c, "duration_seconds"), &s->duration_s, c->err)) < 0)
		error_prefix(c->err, "profile %s", c->profile);
	if (r < 0)
		return r;
	if (chain_copy(&s->role_arn, chain_option(c, "role_arn")) < 0 ||
	    chain_copy(&s->session_name, chain_option(c, "role_session_name")) < 0 ||
	    chain_copy(&s->external_id, chain_option(c, "external_id")) < 0)
		return -ENOMEM;
	return chain_label(s, "role %s via %s", s->role_arn, s->source->label);
}

static int chain_role(struct chain *c, struct credential_source *s)
{
	int r;

	if (!chain_has_role(c))
		return 0;
	s->source = calloc(1, sizeof(*s->source));
	if (!s->source)
		return -ENOMEM;
	r = chain_role_source(c, s->source);
	if (r > 0 && chain_option(c, "mfa_serial"))
		r = chain_refuse_mfa(c);
	return r < 0 ? r : chain_take_role(c, s);
}

/* -- the search ------------------------------------------------------------------------------------------------ */

static int chain_check_profile(struct chain *c, const char *chosen)
{
	if (!chosen || cJSON_GetObjectItemCaseSensitive(c->profiles->merged, chosen))
		return 0;
	chain_refuse(c, "the profile '%s' is neither in %s nor in %s", chosen, c->profiles->config_path,
		     c->profiles->shared_path);
	error_remedy(c->err, "set aws_profile in config/default.env, or AWS_PROFILE, to a profile that exists");
	return -ENOKEY;
}

/* Adds a general remedy if no step of the search has set a more specific one. */
static void chain_advise(const struct chain *c)
{
	if (c->err && !*c->err->remedy)
		error_remedy(c->err,
			     "fix profile %s in %s or %s, or set aws_profile in config/default.env to another profile",
			     c->visited[0], c->profiles->config_path, c->profiles->shared_path);
}

int credential_chain_find(const struct aws_profiles *profiles, const char *wanted, struct credential_source **ret,
			  struct error *err)
{
	const char *chosen = aws_profiles_chosen(wanted);
	struct chain c = {.profiles = profiles,
			  .profile = chosen && *chosen ? chosen : "default",
			  .no_environment = wanted && *wanted,
			  .err = err};
	struct credential_source *s = calloc(1, sizeof(*s));
	int r = s ? chain_check_profile(&c, chosen) : -ENOMEM;

	c.visited[c.visited_n++] = c.profile;
	if (r == 0)
		r = imds_check(profiles, c.profile, err);
	if (r == 0)
		r = chain_look(&c, chain_of_all, ARRAY_SIZE(chain_of_all), s);
	if (r == 0)
		r = chain_nothing(&c);
	if (r == -ENOKEY)
		chain_advise(&c);
	if (r < 0)
		credential_source_free(move_ptr(s));
	*ret = s;
	return r < 0 ? r : 0;
}
