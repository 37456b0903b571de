#include "image/reference.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

#define DOCKER_HUB "registry-1.docker.io"

bool image_digest_is_valid(const char *text)
{
	static const char prefix[] = "sha256:";
	const char *hex = text + sizeof(prefix) - 1;

	return strncmp(text, prefix, sizeof(prefix) - 1) == 0 && strlen(hex) == 64 &&
	       strspn(hex, "0123456789abcdef") == 64;
}

int image_digest(const void *data, size_t len, char ret[IMAGE_DIGEST_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_Digest(data, len, hash, &n, EVP_sha256(), NULL))
		return -ENOMEM;
	strcpy(ret, "sha256:");
	for (unsigned i = 0; i < n; i++)
		snprintf(ret + 7 + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

const char *image_reference_target(const struct image_reference *r)
{
	return *r->digest ? r->digest : r->tag;
}

static int refuse(struct error *err, const char *text, const char *why)
{
	error_set(err, -EINVAL, "%.200s is not the name of an image: %s", text, why);
	error_remedy(err, "write it like tenzir/vast:latest or ghcr.io/org/name@sha256:...");
	return -EINVAL;
}

/* The part before the first slash is a host if it looks like one: Docker Hub's users have neither dots nor colons. */
static size_t host_length(const char *text)
{
	size_t n = strcspn(text, "/");

	if (text[n] != '/')
		return 0;
	if (memchr(text, '.', n) || memchr(text, ':', n) || (n == 9 && memcmp(text, "localhost", n) == 0))
		return n;
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static bool host_is_ecr(const char *host)
{
	const char *dot = strchr(host, '.');

	return dot && strspn(host, "0123456789") == 12 && dot == host + 12 &&
	       (strncmp(dot, ".dkr.ecr.", 9) == 0 || strncmp(dot, ".dkr.ecr-fips.", 14) == 0) &&
	       (ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn"));
}

static bool host_is_valid(const char *host)
{
	return strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") == strlen(host);
}

/* Components of lower case letters and digits with single separators between them. */
static bool name_is_valid(const char *name)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/";
	size_t n = strlen(name);

	if (!n || strspn(name, alphabet) != n || strstr(name, "//") || strstr(name, ".."))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool edge = i == 0 || i == n - 1 || name[i - 1] == '/' || name[i + 1] == '/';

		if (edge && name[i] != '/' && !isalnum((unsigned char)name[i]))
			return false;
	}
	return name[0] != '/' && name[n - 1] != '/';
}

static bool tag_is_valid(const char *tag)
{
	size_t n = strlen(tag);

	return n >= 1 && n <= 128 && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

static int take_host(const char **rest, struct image_reference *ret)
{
	size_t n = host_length(*rest);

	if (n >= sizeof(ret->host))
		return -EINVAL;
	memcpy(ret->host, *rest, n);
	ret->host[n] = '\0';
	*rest += n ? n + 1 : 0;
	if (!n || strcmp(ret->host, "docker.io") == 0 || strcmp(ret->host, "index.docker.io") == 0)
		strcpy(ret->host, DOCKER_HUB);
	ret->is_ecr = host_is_ecr(ret->host);
	return host_is_valid(ret->host) ? 0 : -EINVAL;
}

static int take_digest(char *rest, struct image_reference *ret)
{
	char *at = strchr(rest, '@');

	if (!at)
		return 0;
	*at = '\0';
	if (!image_digest_is_valid(at + 1))
		return -EINVAL;
	strcpy(ret->digest, at + 1);
	return 0;
}

static int take_tag(char *rest, struct image_reference *ret)
{
	char *colon = strchr(rest, ':');

	if (colon) {
		*colon = '\0';
		if (!tag_is_valid(colon + 1))
			return -EINVAL;
		strcpy(ret->tag, colon + 1);
	} else if (!*ret->digest) {
		strcpy(ret->tag, "latest");
	}
	return 0;
}

int image_reference_parse(const char *text, struct image_reference *ret, struct error *err)
{
	const char *rest = text;
	char path[512];
	bool official;

	memset(ret, 0, sizeof(*ret));
	if (take_host(&rest, ret) < 0)
		return refuse(err, text, "its registry is not a host name");
	if (strlen(rest) >= sizeof(path))
		return refuse(err, text, "it is too long");
	strcpy(path, rest);
	if (take_digest(path, ret) < 0)
		return refuse(err, text, "its digest is not sha256: and 64 hexadecimal digits");
	if (take_tag(path, ret) < 0)
		return refuse(err, text, "its tag may have letters, digits, _ . - and 128 characters");
	official = strcmp(ret->host, DOCKER_HUB) == 0 && !strchr(path, '/');
	if (!name_is_valid(path) || strlen(path) + 8 >= sizeof(ret->name))
		return refuse(err, text, "names are lower case letters and digits, separated by / . _ -");
	snprintf(ret->name, sizeof(ret->name), "%s%s", official ? "library/" : "", path);
	return 0;
}
