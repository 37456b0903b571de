#include "aws/config.h"

#include "aws/profile.h"
#include "aws/service.h"
#include "base/path.h"
#include "base/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_ATTEMPTS 3
#define MOST_ATTEMPTS	 20

static const struct aws_partition partitions[] = {
	{"cn-", "aws-cn", "amazonaws.com.cn", "cn-north-1", "iam.cn-north-1.amazonaws.com.cn"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "us-gov-west-1", "iam.us-gov.amazonaws.com"},
	{"eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu"},
	{"", "aws", "amazonaws.com", "us-east-1", "iam.amazonaws.com"},
};

const struct aws_partition *aws_partition_of(const char *region)
{
	const struct aws_partition *p = partitions;

	while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
		p++;
	return p;
}

void aws_options_free(struct aws_options *o)
{
	free(o->region);
	free(o->profile);
	free(o->ca_file);
	cJSON_Delete(o->endpoints);
	*o = (struct aws_options){0};
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static bool is_true(const char *value)
{
	return strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static const char *variable_or_key(const char *name, const cJSON *file, const char *section, const char *key)
{
	const char *value = variable(name);

	return *value ? value : aws_profile_get(file, section, key);
}

/* Where an endpoint was named, for people. */
struct wanted_endpoint {
	const char *url; /* "" if none is */
	char name[700];
};

/* endpoint_url of a service in the [services x] section that the profile points to, or of the profile. */
static void endpoint_in_profile(const struct aws_service *s, const cJSON *file, const char *section,
				struct wanted_endpoint *ret)
{
	const char *services = aws_profile_get(file, section, "services");
	char name[300], key[64];
	size_t i;

	for (i = 0; s->env_name[i] && i + 1 < sizeof(key); i++)
		key[i] = (char)tolower((unsigned char)s->env_name[i]);
	key[i] = '\0';
	snprintf(name, sizeof(name), "services %s", services);
	snprintf(ret->name, sizeof(ret->name), "endpoint_url of %s in [%s] of the AWS configuration file", key, name);
	ret->url = aws_profile_get(cJSON_GetObjectItemCaseSensitive(file, name), key, "endpoint_url");
	if (*ret->url)
		return;
	snprintf(ret->name, sizeof(ret->name), "endpoint_url in [%s] of the AWS configuration file", section);
	ret->url = aws_profile_get(file, section, "endpoint_url");
}

static void endpoint_wanted(const struct aws_service *s, const cJSON *file, const char *section,
			    struct wanted_endpoint *ret)
{
	snprintf(ret->name, sizeof(ret->name), "AWS_ENDPOINT_URL_%s", s->env_name);
	ret->url = variable(ret->name);
	if (*ret->url)
		return;
	snprintf(ret->name, sizeof(ret->name), "AWS_ENDPOINT_URL");
	ret->url = variable(ret->name);
	if (!*ret->url)
		endpoint_in_profile(s, file, section, ret);
}

static const char *fault_of_endpoint(const char *url)
{
	const char *host = strstr(url, "://");
	bool scheme = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;

	for (const char *p = url; *p; p++)
		if (*p < ' ' || *p > '~')
			return "it contains a control character or one that is not ASCII";
	if (!scheme)
		return "it must begin with http:// or https://";
	if (!host[3] || host[3] == '/')
		return "it names no host";
	if (strchr(host + 3, '@'))
		return "a user name or password in it cannot be used";
	if (strpbrk(host + 3, " ?#\\\""))
		return "it must consist of scheme, host, port and path";
	return strlen(url) > 255 ? "it is longer than 255 characters" : NULL;
}

/* The URL itself is not repeated: it may hold a password. */
static int check_endpoint(const struct wanted_endpoint *e, struct error *err)
{
	const char *fault = fault_of_endpoint(e->url);

	if (!fault)
		return 0;
	error_set(err, -EINVAL, "%s is not an http or https URL: %s", e->name, fault);
	error_remedy(err, "set %s again, for instance to http://localhost:4566, and start vastfs again", e->name);
	return -EINVAL;
}

static int load_endpoints(struct aws_options *o, const cJSON *file, const char *section, struct error *err)
{
	o->endpoints = cJSON_CreateObject();
	if (!o->endpoints)
		return -ENOMEM;
	if (is_true(variable_or_key("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", file, section,
				    "ignore_configured_endpoint_urls")))
		return 0;
	for (size_t i = 0; aws_services[i]; i++) {
		struct wanted_endpoint wanted;

		endpoint_wanted(aws_services[i], file, section, &wanted);

		if (!*wanted.url)
			continue;
		if (check_endpoint(&wanted, err) < 0)
			return -EINVAL;
		if (!cJSON_AddStringToObject(o->endpoints, aws_services[i]->name, wanted.url))
			return -ENOMEM;
	}
	return 0;
}

/* What would silently send data elsewhere than was asked for is refused. */
static int refuse_variants(const cJSON *file, const char *section, struct error *err)
{
	static const char *const wishes[][2] = {
		{"AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"},
		{"AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		if (!is_true(variable_or_key(wishes[i][0], file, section, wishes[i][1])))
			continue;
		error_set(err, -EINVAL, "%s is set, which vastfs does not support yet", wishes[i][0]);
		error_remedy(err, "name the endpoints: AWS_ENDPOINT_URL_CLOUDFORMATION and so on, one a service");
		return -EINVAL;
	}
	return 0;
}

static int attempts_wanted(const cJSON *file, const char *section)
{
	int n = atoi(variable_or_key("AWS_MAX_ATTEMPTS", file, section, "max_attempts"));

	if (n < 1)
		return DEFAULT_ATTEMPTS;
	return n < MOST_ATTEMPTS ? n : MOST_ATTEMPTS;
}

static int load_from(struct aws_options *o, const struct aws_config *config, const cJSON *file, struct error *err)
{
	const char *ca_file;
	char section[300];
	int e;

	aws_profile_section(aws_profile_name(config->profile), section, sizeof(section));
	e = refuse_variants(file, section, err);
	if (e < 0)
		return e;
	o->max_attempts = attempts_wanted(file, section);
	o->region = strdup(config->region ? config->region : "");
	ca_file = variable_or_key("AWS_CA_BUNDLE", file, section, "ca_bundle");
	if (*ca_file && !(o->ca_file = path_absolute(ca_file)))
		return -ENOMEM;
	if (config->profile && *config->profile && !(o->profile = strdup(config->profile)))
		return -ENOMEM;
	return o->region ? load_endpoints(o, file, section, err) : -ENOMEM;
}

int aws_options_load(const struct aws_config *config, struct aws_options *ret, struct error *err)
{
	_free_ char *path = aws_profile_path("AWS_CONFIG_FILE", "config");
	cJSON *file = NULL;
	int e;

	*ret = (struct aws_options){0};
	e = aws_profile_read(path, &file, err);
	if (!e)
		e = load_from(ret, config, file, err);
	secret_free_json(file);
	if (e < 0)
		aws_options_free(ret);
	return e;
}

static bool is_region(const char *region)
{
	size_t len = strlen(region);

	return len && len < 32 && strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Splits the URL that replaces AWS's own. */
static void use_url(const char *url, struct aws_endpoint *ret)
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
}

int aws_endpoint_find(const struct aws_options *o, const struct aws_service *s, struct aws_endpoint *ret,
		      struct error *err)
{
	const struct aws_partition *p = aws_partition_of(o->region);
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->endpoints, s->name));

	*ret = (struct aws_endpoint){0};
	if (!is_region(o->region))
		return error_set(err, -EINVAL, "not a region: '%s'", o->region);
	snprintf(ret->region, sizeof(ret->region), "%s", s->global ? p->global_region : o->region);
	if (url) {
		use_url(url, ret);
		return 0;
	}
	if (s->global)
		snprintf(ret->host, sizeof(ret->host), "%s", p->iam_host);
	else
		snprintf(ret->host, sizeof(ret->host), "%s.%s.%s", s->host_prefix, o->region, p->suffix);
	snprintf(ret->url, sizeof(ret->url), "https://%s", ret->host);
	return 0;
}
