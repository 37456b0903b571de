/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/mirror.h"

#include <string.h>
#include <strings.h>

void image_place_free(struct image_place *p)
{
	free(p->base);
	free(p->name);
	*p = (struct image_place){NULL};
}

/* The message does not quote the URL, which may contain a password. */
static const char *mirror_fault(const char *mirror)
{
	const char *host = strstr(mirror, "://");

	for (const char *p = mirror; *p; p++)
		if (*p <= ' ' || *p > '~')
			return "it contains a blank, a control character or a character outside ASCII";
	if (strncasecmp(mirror, "http://", 7) != 0 && strncasecmp(mirror, "https://", 8) != 0)
		return "it must begin with https:// (or http://)";
	if (!host[3] || host[3] == '/')
		return "it has no host";
	if (strpbrk(host + 3, "@"))
		return "it contains a user name or password; store them with docker login instead";
	return strpbrk(host + 3, "?#\\") ? "it must consist of scheme, host, port and path" : NULL;
}

/* The length of a URL without its trailing slashes. */
static size_t mirror_trimmed_length(const char *s)
{
	size_t len = strlen(s);

	while (len && s[len - 1] == '/')
		len--;
	return len;
}

static int mirror_set_place(struct image_place *ret, int base_len, const char *base, int path_len, const char *path,
			    const char *name)
{
	*ret = (struct image_place){NULL};
	if (asprintf(&ret->base, "%.*s", base_len, base) < 0)
		ret->base = NULL;
	if (asprintf(&ret->name, "%.*s%s%s", path_len, path, path_len ? "/" : "", name) < 0)
		ret->name = NULL;
	if (ret->base && ret->name)
		return 0;
	image_place_free(ret);
	return -ENOMEM;
}

int mirror_place(const char *mirror, const char *name, enum mirror_kind kind, struct image_place *ret,
		 struct error *err)
{
	const char *fault = mirror_fault(mirror), *path;
	size_t len = mirror_trimmed_length(mirror), host_len;

	if (fault) {
		error_set(err, -EINVAL, "VASTFS_REGISTRY_MIRROR is not the URL of a registry: %s", fault);
		error_remedy(err, "set it to a URL like https://mirror.example, or unset it, and restart vastfs");
		return -EINVAL;
	}
	path = strstr(mirror, "://") + 3;
	path += strcspn(path, "/");
	host_len = (size_t)(path - mirror);
	if (len <= host_len) {
		kind = MIRROR_PLAIN;
	} else if (strncmp(path, "/v2/", 4) == 0 && len > host_len + 4) {
		path += 3;
		kind = MIRROR_OF_SEVERAL;
	} else if (len >= host_len + 3 && strncmp(mirror + len - 3, "/v2", 3) == 0) {
		len -= 3;
		kind = MIRROR_PLAIN;
	}
	if (kind == MIRROR_OF_SEVERAL) {
		int path_len = (int)(mirror + len - path - 1);

		return mirror_set_place(ret, (int)host_len, mirror, path_len, path + 1, name) < 0 ? -ENOMEM : (int)kind;
	}
	return mirror_set_place(ret, (int)len, mirror, 0, "", name) < 0 ? -ENOMEM : (int)kind;
}
