/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/imds.h"

#include "aws/credentials/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IMDS_URL	 "http://169.254.169.254"
#define IMDS_URL_IPV6	 "http://[fd00:ec2::254]"
#define IMDS_TIMEOUT_MAX 60 /* seconds */
#define IMDS_TRIES_MAX	 20

struct imds {
	const struct aws_profiles *profiles;
	const char *profile;
	struct error *err;
};

/* A variable that is set takes precedence even if it is empty. */
static const char *imds_setting(const struct imds *i, const char *variable, const char *option)
{
	const char *value = getenv(variable);

	return value ? value : aws_profiles_get(i->profiles->merged, i->profile, option);
}

static bool imds_is_true(const struct imds *i, const char *variable, const char *option)
{
	const char *value = imds_setting(i, variable, option);

	return value && strcasecmp(value, "true") == 0;
}

static int imds_refuse(const struct imds *i, const char *variable, const char *value, const char *expected)
{
	error_set(i->err, -ENOKEY, "%s (or its option in profile %s) is '%.100s'; expected %s", variable, i->profile,
		  value, expected);
	error_remedy(i->err, "unset %s, or fix it and start vastfs again", variable);
	return -ENOKEY;
}

static int imds_take_number(const struct imds *i, const char *variable, const char *option, int most, int *ret)
{
	const char *value = imds_setting(i, variable, option);
	long n;

	*ret = 1;
	if (!value)
		return 0;
	if (words_integer(value, &n) < 0)
		return imds_refuse(i, variable, value, "a whole number");
	*ret = n < 1 ? 1 : n > most ? most : (int)n;
	return 0;
}

/* Returns 1 for IPv6, 0 for IPv4, or a negative errno. */
static int imds_take_mode(const struct imds *i)
{
	const char *mode =
		imds_setting(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");

	if (!mode)
		return imds_is_true(i, "AWS_IMDS_USE_IPV6", "imds_use_ipv6");
	if (strcasecmp(mode, "ipv6") == 0)
		return 1;
	return strcasecmp(mode, "ipv4") == 0
		       ? 0
		       : imds_refuse(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", mode, "IPv4 or IPv6");
}

static bool imds_is_url(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len = host ? strcspn(host + 3, "/?#") : 0;

	return len && host != url && strcspn(url, " \t\r\n@") == strlen(url);
}

static int imds_take_url(const struct imds *i, bool ipv6, char **ret)
{
	const char *url = imds_setting(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	size_t len;

	if (!url || !*url)
		url = ipv6 ? IMDS_URL_IPV6 : IMDS_URL;
	if (!imds_is_url(url))
		return imds_refuse(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url, "a URL such as " IMDS_URL);
	len = strlen(url);
	*ret = strndup(url, url[len - 1] == '/' ? len - 1 : len);
	return *ret ? 0 : -ENOMEM;
}

int imds_configure(const struct aws_profiles *profiles, const char *profile, struct credential_source *s,
		   struct error *err)
{
	const struct imds i = {profiles, profile, err};
	int mode = imds_take_mode(&i);
	int r = mode < 0 ? mode : imds_take_url(&i, mode, &s->url);

	if (r == 0)
		r = imds_take_number(&i, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", IMDS_TIMEOUT_MAX,
				     &s->imds.timeout_s);
	if (r == 0)
		r = imds_take_number(&i, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts",
				     IMDS_TRIES_MAX, &s->imds.tries);
	s->imds.only_version_2 = imds_is_true(&i, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
	return r;
}

int imds_check(const struct aws_profiles *profiles, const char *profile, struct error *err)
{
	struct credential_source unused = {.url = NULL};
	int r = imds_configure(profiles, profile, &unused, err);

	free(unused.url);
	return r;
}
