#include "image/reference.h"

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

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && strcmp(s + len - n, end) == 0;
}

static bool begins_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

/* <account>.dkr.ecr[-fips].<region>.amazonaws.com and its partitions, <account>.dkr-ecr[-fips].<region>.on.aws */
static bool host_is_ecr(const char *host)
{
	const char *rest = host + 12;

	if (strlen(host) < 13 || strspn(host, DIGITS) != 12)
		return false;
	if (begins_with(rest, ".dkr.ecr.") || begins_with(rest, ".dkr.ecr-fips."))
		return ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn") ||
		       ends_with(host, ".amazonaws.eu");
	return (begins_with(rest, ".dkr-ecr.") || begins_with(rest, ".dkr-ecr-fips.")) && ends_with(host, ".on.aws");
}

/* A separator is one dot, one or two underscores, or any number of dashes, between letters and digits. */
static size_t separator(const char *s)
{
	size_t n = strspn(s, "._-");

	if (n == 0 || n == 1 || strspn(s, "-") == n || (n == 2 && s[0] == '_' && s[1] == '_'))
		return n;
	return 0;
}

static bool is_path_component(const char *s)
{
	for (;;) {
		size_t n = strspn(s, LOWER DIGITS);

		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		n = separator(s);
		if (!n)
			return false;
		s += n;
	}
}

static bool is_path(const char *name)
{
	char copy[NAME_MAX_LEN + 1], *rest = copy, *part;

	if (strlen(name) > NAME_MAX_LEN)
		return false;
	snprintf(copy, sizeof(copy), "%s", name);
	while ((part = strsep(&rest, "/")))
		if (!is_path_component(part))
			return false;
	return true;
}

static bool is_tag(const char *s)
{
	return *s && strlen(s) <= 128 && *s != '.' && *s != '-' && s[strspn(s, LOWER UPPER DIGITS "_.-")] == '\0';
}

static bool is_port(const char *s)
{
	size_t n = strspn(s, DIGITS);

	return n && n <= 5 && !s[n] && atoi(s) > 0 && atoi(s) <= 65535;
}

static bool is_host_label(const char *s)
{
	size_t n = strspn(s, LOWER UPPER DIGITS "-");

	return n && !s[n] && s[0] != '-' && s[n - 1] != '-';
}

/* "[address]:port" or "name:port", the port being optional. */
static bool is_host(const char *host)
{
	char copy[256], *rest = copy, *port, *label;

	snprintf(copy, sizeof(copy), "%s", host);
	if (*copy == '[') {
		char *end = copy + 1 + strspn(copy + 1, DIGITS "abcdefABCDEF:");

		return end > copy + 2 && *end == ']' && (!end[1] || (end[1] == ':' && is_port(end + 2)));
	}
	port = strchr(copy, ':');
	if (port) {
		*port++ = '\0';
		if (!is_port(port))
			return false;
	}
	while ((label = strsep(&rest, ".")))
		if (!is_host_label(label))
			return false;
	return true;
}

/* The first part is a registry if it cannot be a part of a name, as Docker decides it. */
static bool is_host_like(const char *first)
{
	if (strpbrk(first, ".:[") || strcmp(first, "localhost") == 0)
		return true;
	return first[strcspn(first, UPPER)] != '\0';
}

/* -- taking the text apart, in place ---------------------------------------------------------------------------- */

static int take_digest(char *text, struct image_reference *ret, struct error *err)
{
	char *at = strchr(text, '@');

	if (!at)
		return 0;
	*at++ = '\0';
	if (!image_digest_is_valid(at))
		return error_set(err, -EINVAL, "'%s' is not a digest: sha256: and 64 digits of 0-9 and a-f", at);
	snprintf(ret->digest, sizeof(ret->digest), "%s", at);
	return 0;
}

static int take_tag(char *text, struct image_reference *ret, struct error *err)
{
	char *slash = strrchr(text, '/'), *colon = strchr(slash ? slash : text, ':');

	if (!colon) {
		snprintf(ret->tag, sizeof(ret->tag), "%s", *ret->digest ? "" : "latest");
		return 0;
	}
	*colon++ = '\0';
	if (!is_tag(colon))
		return error_set(err, -EINVAL,
				 "'%s' is not a tag: 1 to 128 letters, digits and ._- that do not begin with . or -",
				 colon);
	snprintf(ret->tag, sizeof(ret->tag), "%s", colon);
	return 0;
}

static int take_host(const char *host, struct image_reference *ret, struct error *err)
{
	if (strlen(host) >= sizeof(ret->host) || !is_host(host))
		return error_set(err, -EINVAL, "'%s' is not a registry: host or host:port", host);
	for (size_t i = 0; host[i]; i++)
		ret->host[i] = (char)tolower((unsigned char)host[i]);
	return 0;
}

static int take_name(char *text, struct image_reference *ret, struct error *err)
{
	char *slash = strchr(text, '/');
	const char *name = text;
	int r;

	if (slash) {
		*slash = '\0';
		if (is_host_like(text)) {
			r = take_host(text, ret, err);
			if (r < 0)
				return r;
			name = slash + 1;
		}
		*slash = '/';
	}
	if (!*ret->host || image_host_is_docker_hub(ret->host))
		snprintf(ret->host, sizeof(ret->host), IMAGE_DOCKER_HUB);
	if (!is_path(name))
		return error_set(err, -EINVAL,
				 "'%s' is not a name: lower case letters and digits, with single . _ or - between",
				 name);
	snprintf(ret->name, sizeof(ret->name), "%s%s",
		 strcmp(ret->host, IMAGE_DOCKER_HUB) == 0 && !strchr(name, '/') ? "library/" : "", name);
	return 0;
}

static int parse(char *text, struct image_reference *ret, struct error *err)
{
	int r;

	if (strstr(text, "://"))
		return error_set(err, -EINVAL, "an image is named without https://");
	r = take_digest(text, ret, err);
	if (r < 0)
		return r;
	r = take_tag(text, ret, err);
	if (r < 0)
		return r;
	if (strspn(text, DIGITS "abcdef") == 64 && !text[64])
		return error_set(err, -EINVAL, "a bare digest names no image: <name>@sha256:<digest> does");
	r = take_name(text, ret, err);
	if (r == 0 && strlen(ret->host) + strlen(ret->name) > NAME_MAX_LEN)
		return error_set(err, -EINVAL, "it is longer than %d characters", NAME_MAX_LEN);
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
	r = parse(copy, &found, err);
	if (r < 0) {
		error_prefix(err, "'%.200s' is not the name of an image", text);
		return r;
	}
	found.is_ecr = host_is_ecr(found.host);
	*ret = found;
	return 0;
}

const char *image_reference_target(const struct image_reference *r)
{
	return *r->digest ? r->digest : r->tag;
}
