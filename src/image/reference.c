/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/reference.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DIGITS	     "0123456789"
#define LOWER	     "abcdefghijklmnopqrstuvwxyz"
#define UPPER	     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_MAX_LEN 255

bool image_host_is_docker_hub(const char *host)
{
	return strcasecmp(host, "docker.io") == 0 || strcasecmp(host, "index.docker.io") == 0 ||
	       strcasecmp(host, IMAGE_DOCKER_HUB) == 0;
}

static bool reference_begins_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

bool image_host_is_loopback(const char *host)
{
	char name[256];
	struct in6_addr six;
	struct in_addr four;

	if (*host == '[') {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(host + 1, "]"), host + 1);
		return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, ":"), host);
	if (strcasecmp(name, "localhost") == 0)
		return true;
	return inet_pton(AF_INET, name, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* Source: "Amazon ECR private registry" in the user guide: account, FIPS and dual-stack endpoints, partitions. */
static const struct {
	const char *middle, *suffix;
} ecr_hosts[] = {
	{".dkr.ecr.", ".amazonaws.com"},
	{".dkr.ecr-fips.", ".amazonaws.com"},
	{".dkr.ecr.", ".amazonaws.com.cn"},
	{".dkr.ecr.", ".amazonaws.eu"},
	{".dkr-ecr.", ".on.aws"},
	{".dkr-ecr-fips.", ".on.aws"},
	{".dkr-ecr.", ".on.amazonwebservices.com.cn"},
};

/* <account><middle><region><suffix> */
static void reference_find_ecr(struct image_reference *r)
{
	const char *rest = r->host + IMAGE_ACCOUNT_SIZE - 1;

	if (strspn(r->host, DIGITS) != IMAGE_ACCOUNT_SIZE - 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ecr_hosts); i++) {
		const char *region = rest + strlen(ecr_hosts[i].middle);
		size_t len;

		if (!reference_begins_with(rest, ecr_hosts[i].middle))
			continue;
		len = strcspn(region, ".");
		if (!len || len >= sizeof(r->ecr_region) || strcmp(region + len, ecr_hosts[i].suffix) != 0)
			continue;
		r->is_ecr = true;
		snprintf(r->ecr_account, sizeof(r->ecr_account), "%s", r->host);
		snprintf(r->ecr_region, sizeof(r->ecr_region), "%.*s", (int)len, region);
		return;
	}
}

/* The length of a separator: one dot, one or two underscores, or any number of dashes; 0: not a separator. */
static size_t reference_separator(const char *s)
{
	size_t n = strspn(s, "._-");

	if (n == 0 || n == 1 || strspn(s, "-") == n || (n == 2 && s[0] == '_' && s[1] == '_'))
		return n;
	return 0;
}

static bool reference_is_path_component(const char *s)
{
	for (;;) {
		size_t n = strspn(s, LOWER DIGITS);

		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		n = reference_separator(s);
		if (!n)
			return false;
		s += n;
	}
}

static bool reference_is_path(const char *name)
{
	char copy[NAME_MAX_LEN + 1], *rest = copy, *part;

	if (strlen(name) > NAME_MAX_LEN)
		return false;
	snprintf(copy, sizeof(copy), "%s", name);
	while ((part = strsep(&rest, "/")))
		if (!reference_is_path_component(part))
			return false;
	return true;
}

static bool reference_is_tag(const char *s)
{
	return *s && strlen(s) <= 128 && *s != '.' && *s != '-' && s[strspn(s, LOWER UPPER DIGITS "_.-")] == '\0';
}

static bool reference_is_port(const char *s)
{
	size_t n = strspn(s, DIGITS);

	return n && n <= 5 && !s[n] && atoi(s) > 0 && atoi(s) <= 65535;
}

static bool reference_is_host_label(const char *s)
{
	size_t n = strspn(s, LOWER UPPER DIGITS "-");

	return n && !s[n] && s[0] != '-' && s[n - 1] != '-';
}

/* "[address]:port" or "name:port"; the port is optional. */
static bool reference_is_host(const char *host)
{
	char copy[256], *rest = copy, *port, *label;

	snprintf(copy, sizeof(copy), "%s", host);
	if (*copy == '[') {
		char *end = copy + 1 + strspn(copy + 1, DIGITS "abcdefABCDEF:");

		return end > copy + 2 && *end == ']' && (!end[1] || (end[1] == ':' && reference_is_port(end + 2)));
	}
	port = strchr(copy, ':');
	if (port) {
		*port++ = '\0';
		if (!reference_is_port(port))
			return false;
	}
	while ((label = strsep(&rest, ".")))
		if (!reference_is_host_label(label))
			return false;
	return true;
}

/*
 * The first component is a registry if it has a dot, a port or brackets, or is localhost. Docker also takes a component
 * with a capital letter for a registry, and would ask the host "tenzir" for Tenzir/vast; vastfs reports the spelling.
 */
static bool reference_is_host_like(const char *first)
{
	return strpbrk(first, ".:[") || strcasecmp(first, "localhost") == 0;
}

/* -- parsing, which splits the text in place --------------------------------------------------------------------------
 */

static int reference_take_digest(char *text, struct image_reference *ret, struct error *err)
{
	char *at = strchr(text, '@');

	if (!at)
		return 0;
	*at++ = '\0';
	if (!image_digest_is_valid(at))
		return error_set(err, -EINVAL, "'%s' is not a digest: expected sha256: and 64 digits of 0-9 and a-f",
				 at);
	snprintf(ret->digest, sizeof(ret->digest), "%s", at);
	return 0;
}

static int reference_take_tag(char *text, struct image_reference *ret, struct error *err)
{
	char *slash = strrchr(text, '/'), *colon = strchr(slash ? slash : text, ':');

	if (!colon) {
		snprintf(ret->tag, sizeof(ret->tag), "%s", *ret->digest ? "" : "latest");
		return 0;
	}
	*colon++ = '\0';
	if (!reference_is_tag(colon))
		return error_set(
			err, -EINVAL,
			"'%s' is not a tag: expected 1 to 128 letters, digits and ._- that do not begin with . or -",
			colon);
	snprintf(ret->tag, sizeof(ret->tag), "%s", colon);
	return 0;
}

static int reference_take_host(const char *host, struct image_reference *ret, struct error *err)
{
	if (strlen(host) >= sizeof(ret->host) || !reference_is_host(host))
		return error_set(err, -EINVAL, "'%s' is not a registry: expected host or host:port", host);
	for (size_t i = 0; host[i]; i++)
		ret->host[i] = (char)tolower((unsigned char)host[i]);
	return 0;
}

static int reference_take_name(char *text, struct image_reference *ret, struct error *err)
{
	char *slash = strchr(text, '/');
	const char *name = text;
	int r;

	if (slash) {
		*slash = '\0';
		if (reference_is_host_like(text)) {
			r = reference_take_host(text, ret, err);
			if (r < 0)
				return r;
			name = slash + 1;
		}
		*slash = '/';
	}
	if (!*ret->host || image_host_is_docker_hub(ret->host))
		snprintf(ret->host, sizeof(ret->host), IMAGE_DOCKER_HUB);
	if (name[strcspn(name, UPPER)])
		return error_set(err, -EINVAL,
				 "'%s' has capital letters, which are not allowed in a repository name; if it begins "
				 "with a registry whose name has no dot, add the port of the registry",
				 name);
	if (!reference_is_path(name))
		return error_set(err, -EINVAL,
				 "'%s' is not a repository name: expected lower case letters and digits, with single . "
				 "_ or - between",
				 name);
	snprintf(ret->name, sizeof(ret->name), "%s%s",
		 strcmp(ret->host, IMAGE_DOCKER_HUB) == 0 && !strchr(name, '/') ? "library/" : "", name);
	return 0;
}

static int reference_parse_parts(char *text, struct image_reference *ret, struct error *err)
{
	int r;

	if (strstr(text, "://"))
		return error_set(err, -EINVAL, "remove the scheme: the name of an image has no https://");
	r = reference_take_digest(text, ret, err);
	if (r < 0)
		return r;
	r = reference_take_tag(text, ret, err);
	if (r < 0)
		return r;
	if (strspn(text, DIGITS "abcdef") == 64 && !text[64])
		return error_set(err, -EINVAL,
				 "a digest alone does not name an image: expected <name>@sha256:<digest>");
	r = reference_take_name(text, ret, err);
	if (r == 0 && strlen(ret->host) + strlen(ret->name) > NAME_MAX_LEN)
		return error_set(err, -EINVAL, "the name is longer than %d characters", NAME_MAX_LEN);
	return r;
}

int image_reference_parse(const char *text, struct image_reference *ret, struct error *err)
{
	struct image_reference found = {0};
	_free_ char *copy = strdup(text);
	int r;

	if (!copy)
		return -ENOMEM;
	if (!*text)
		return error_set(err, -EINVAL, "the name of an image is empty");
	r = reference_parse_parts(copy, &found, err);
	if (r < 0) {
		error_prefix(err, "'%.200s' is not a valid image name", text);
		return r;
	}
	reference_find_ecr(&found);
	*ret = found;
	return 0;
}

const char *image_reference_target(const struct image_reference *r)
{
	return *r->digest ? r->digest : r->tag;
}
