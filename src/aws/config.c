/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/config.h"

#include "aws/credentials/profiles.h"
#include "aws/services/service.h"
#include "base/path.h"
#include "base/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_ATTEMPTS 3
#define MOST_ATTEMPTS	 20

void aws_options_free(struct aws_options *o)
{
	free(o->region);
	free(o->profile);
	free(o->ca_file);
	cJSON_Delete(o->endpoints);
	*o = (struct aws_options){0};
}

static const char *config_variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

char *aws_default_region(const char *profile, const char **ret_source)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
	const char *chosen = aws_profiles_chosen(profile), *region;
	struct aws_profiles profiles = {0};
	struct error ignored = {0};
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		*ret_source = names[i];
		if (*config_variable(names[i]))
			return strdup(config_variable(names[i]));
	}
	*ret_source = "region in the profile";
	if (aws_profiles_load(&profiles, &ignored) < 0)
		return NULL; /* the error of the credentials contains the reason */
	region = aws_profiles_get(profiles.merged, chosen ? chosen : "default", "region");
	if (region && *region)
		found = strdup(region);
	aws_profiles_free(&profiles);
	return found;
}

/* The profile in use, and its options. */
struct config_files {
	const struct aws_profiles *profiles;
	const char *profile;
};

static const char *config_option(const struct config_files *f, const char *option)
{
	const char *value = aws_profiles_get(f->profiles->merged, f->profile, option);

	return value ? value : "";
}

static const char *config_variable_or_option(const struct config_files *f, const char *variable_name,
					     const char *option)
{
	const char *value = config_variable(variable_name);

	return *value ? value : config_option(f, option);
}

/* "true" in any case, as the AWS CLI reads it. */
static bool config_is_true(const struct config_files *f, const char *variable_name, const char *option)
{
	return strcasecmp(config_variable_or_option(f, variable_name, option), "true") == 0;
}

/* An endpoint and, for messages, the name of its source. */
struct wanted_endpoint {
	const char *url; /* "": none is set */
	char name[700];
};

/* The name of a service in a [services x] section: as in its environment variable, in lower case. */
static void config_service_key(const struct aws_service *s, char key[static 64])
{
	size_t i;

	for (i = 0; s->env_name[i] && i + 1 < 64; i++)
		key[i] = (char)tolower((unsigned char)s->env_name[i]);
	key[i] = '\0';
}

static const char *config_services_url(const cJSON *services, const char *key)
{
	const cJSON *service = cJSON_GetObjectItemCaseSensitive(services, key);
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(service, "endpoint_url"));

	return url ? url : "";
}

/*
 * endpoint_url of a service in the [services x] section that the profile points to, or of the profile. A section that
 * does not exist is refused: otherwise requests and their signatures would go to a host that the user did not choose.
 */
static int config_endpoint_of_profile(const struct config_files *f, const struct aws_service *s,
				      struct wanted_endpoint *ret, struct error *err)
{
	const char *name = aws_profiles_get(f->profiles->merged, f->profile, "services");
	const cJSON *services = name ? cJSON_GetObjectItemCaseSensitive(f->profiles->services, name) : NULL;
	char key[64];

	if (name && !cJSON_GetArraySize(services)) {
		error_set(err, -EINVAL, "profile %s refers to [services %s], which %s does not contain", f->profile,
			  name, f->profiles->config_path);
		error_remedy(err, "add [services %s] to %s or remove services from the profile", name,
			     f->profiles->config_path);
		return -EINVAL;
	}
	config_service_key(s, key);
	snprintf(ret->name, sizeof(ret->name), "endpoint_url of %s in [services %s] of the AWS configuration file", key,
		 name ? name : "");
	ret->url = config_services_url(services, key);
	if (*ret->url)
		return 0;
	snprintf(ret->name, sizeof(ret->name), "endpoint_url of profile %s in the AWS configuration files", f->profile);
	ret->url = config_option(f, "endpoint_url");
	return 0;
}

static int config_endpoint_wanted(const struct config_files *f, const struct aws_service *s,
				  struct wanted_endpoint *ret, struct error *err)
{
	snprintf(ret->name, sizeof(ret->name), "AWS_ENDPOINT_URL_%s", s->env_name);
	ret->url = config_variable(ret->name);
	if (*ret->url)
		return 0;
	snprintf(ret->name, sizeof(ret->name), "AWS_ENDPOINT_URL");
	ret->url = config_variable(ret->name);
	return *ret->url ? 0 : config_endpoint_of_profile(f, s, ret, err);
}

static const char *config_endpoint_fault(const char *url)
{
	const char *host = strstr(url, "://");
	bool scheme = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;

	for (const char *p = url; *p; p++)
		if (*p < ' ' || *p > '~')
			return "it contains a control character or a character outside ASCII";
	if (!scheme)
		return "it must begin with http:// or https://";
	if (!host[3] || host[3] == '/')
		return "it has no host";
	if (strchr(host + 3, '@'))
		return "it contains a user name or password, which vastfs does not support";
	if (strpbrk(host + 3, " ?#\\\""))
		return "it must consist of scheme, host, port and path";
	return strlen(url) > 255 ? "it is longer than 255 characters" : NULL;
}

/* The message does not quote the URL, which may contain a password. */
static int config_check_endpoint(const struct wanted_endpoint *e, struct error *err)
{
	const char *fault = config_endpoint_fault(e->url);

	if (!fault)
		return 0;
	error_set(err, -EINVAL, "%s is not an http or https URL: %s", e->name, fault);
	error_remedy(err, "correct %s, for example to http://localhost:4566, and restart vastfs", e->name);
	return -EINVAL;
}

static int config_load_endpoint(struct aws_options *o, const struct config_files *f, const struct aws_service *s,
				struct error *err)
{
	struct wanted_endpoint wanted;
	int r = config_endpoint_wanted(f, s, &wanted, err);

	if (r < 0 || !*wanted.url)
		return r;
	r = config_check_endpoint(&wanted, err);
	if (r < 0)
		return r;
	return cJSON_AddStringToObject(o->endpoints, s->name, wanted.url) ? 0 : -ENOMEM;
}

static int config_load_endpoints(struct aws_options *o, const struct config_files *f, struct error *err)
{
	int r = 0;

	o->endpoints = cJSON_CreateObject();
	if (!o->endpoints)
		return -ENOMEM;
	if (config_is_true(f, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
		return 0;
	for (size_t i = 0; aws_services[i] && r == 0; i++)
		r = config_load_endpoint(o, f, aws_services[i], err);
	return r;
}

static int config_load_sts(struct aws_options *o, const struct config_files *f, struct error *err)
{
	const char *wanted = config_variable_or_option(f, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");

	o->sts_is_global = strcmp(wanted, "legacy") == 0;
	if (!*wanted || o->sts_is_global || strcmp(wanted, "regional") == 0)
		return 0;
	error_set(err, -EINVAL,
		  "AWS_STS_REGIONAL_ENDPOINTS (sts_regional_endpoints) is '%s'; valid values are legacy and regional",
		  wanted);
	error_remedy(err, "set it to legacy or regional, or unset it, and restart vastfs");
	return -EINVAL;
}

static int config_attempts(const struct config_files *f)
{
	int n = atoi(config_variable_or_option(f, "AWS_MAX_ATTEMPTS", "max_attempts"));

	if (n < 1)
		return DEFAULT_ATTEMPTS;
	return n < MOST_ATTEMPTS ? n : MOST_ATTEMPTS;
}

/* "fips-us-east-1" and "us-east-1-fips" are older names for the FIPS endpoints of us-east-1. */
static int config_take_region(struct aws_options *o, const char *region)
{
	size_t len = strlen(region);
	bool before = strncmp(region, "fips-", 5) == 0, behind = len > 5 && strcmp(region + len - 5, "-fips") == 0;

	if (before || behind)
		o->variant |= AWS_ENDPOINT_FIPS;
	o->region = before ? strdup(region + 5) : strndup(region, behind ? len - 5 : len);
	return o->region ? 0 : -ENOMEM;
}

static int config_load(struct aws_options *o, const struct aws_config *config, const struct config_files *f,
		       struct error *err)
{
	const char *ca_file = config_variable_or_option(f, "AWS_CA_BUNDLE", "ca_bundle");
	int r;

	if (config_is_true(f, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"))
		o->variant |= AWS_ENDPOINT_FIPS;
	if (config_is_true(f, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"))
		o->variant |= AWS_ENDPOINT_DUAL_STACK;
	o->max_attempts = config_attempts(f);
	if (*ca_file && !(o->ca_file = path_absolute(ca_file)))
		return -ENOMEM;
	if (config->profile && *config->profile && !(o->profile = strdup(config->profile)))
		return -ENOMEM;
	r = config_take_region(o, config->region ? config->region : "");
	if (r == 0)
		r = config_load_sts(o, f, err);
	return r < 0 ? r : config_load_endpoints(o, f, err);
}

int aws_options_load(const struct aws_config *config, struct aws_options *ret, struct error *err)
{
	const char *chosen = aws_profiles_chosen(config->profile);
	struct aws_profiles profiles;
	struct config_files f = {.profiles = &profiles, .profile = chosen && *chosen ? chosen : "default"};
	int r;

	*ret = (struct aws_options){0};
	r = aws_profiles_load(&profiles, err);
	if (r == 0)
		r = config_load(ret, config, &f, err);
	aws_profiles_free(&profiles);
	if (r < 0)
		aws_options_free(ret);
	return r;
}

static bool config_is_region(const char *region)
{
	size_t len = strlen(region);

	return len && len < 32 && strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Splits the URL that replaces an AWS endpoint. */
static void config_use_url(const char *url, struct aws_endpoint *ret)
{
	const char *host = strstr(url, "://") + 3;
	size_t host_len = strcspn(host, "/");
	const char *path = host + host_len;
	size_t path_len = strlen(path);
	const char *own_port = strncasecmp(url, "https", 5) == 0 ? ":443" : ":80";
	size_t port_len = strlen(own_port);

	while (path_len && path[path_len - 1] == '/')
		path_len--;
	snprintf(ret->prefix, sizeof(ret->prefix), "%.*s", (int)path_len, path);
	snprintf(ret->url, sizeof(ret->url), "%.*s", (int)(host + host_len - url), url);
	if (host_len > port_len && strncmp(host + host_len - port_len, own_port, port_len) == 0)
		host_len -= port_len;
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)host_len, host);
	for (char *c = ret->host; *c; c++)
		*c = (char)tolower((unsigned char)*c); /* the host is sent and signed in lower case */
}

static const char *config_rules_of(const struct aws_options *o, const struct aws_service *s)
{
	return o->sts_is_global && strcmp(s->name, "sts") == 0 ? "sts-legacy" : s->name;
}

int aws_endpoint_find(const struct aws_options *o, const struct aws_service *s, const char *region,
		      struct aws_endpoint *ret, struct error *err)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->endpoints, s->name));
	const char *signing_region;
	bool found;

	*ret = (struct aws_endpoint){0};
	region = region ? region : o->region;
	if (!config_is_region(region))
		return error_set(err, -EINVAL, "'%s' is not the name of a region", region);
	found = aws_endpoint_look_up(config_rules_of(o, s), region, o->variant, ret->host, &signing_region);
	if (!found && !url)
		return error_set(err, -EINVAL, "%s has no FIPS or dual-stack endpoint in %s", s->name, region);
	/* As in the AWS CLI: for a configured endpoint the signature uses the region of the client. */
	snprintf(ret->region, sizeof(ret->region), "%s", found && !url ? signing_region : region);
	if (url)
		config_use_url(url, ret);
	else
		snprintf(ret->url, sizeof(ret->url), "https://%s", ret->host);
	return 0;
}
