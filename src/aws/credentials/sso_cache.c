/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/sso_cache.h"

#include "aws/credentials/keys.h"
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_MAX ((size_t)256 << 10)

static char *sso_cache_directory(void)
{
	const char *home = path_home();
	char *path;

	return home && asprintf(&path, "%s/.aws/sso/cache", home) >= 0 ? path : NULL;
}

char *sso_cache_path(const struct credential_source *s)
{
	_free_ char *directory = sso_cache_directory();
	const char *name = s->sso_session ? s->sso_session : s->start_url;
	unsigned char digest[SHA_DIGEST_LENGTH];
	char hex[2 * SHA_DIGEST_LENGTH + 1], *path;

	if (!EVP_Digest(name, strlen(name), digest, NULL, EVP_sha1(), NULL))
		return NULL;
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return directory && asprintf(&path, "%s/%s.json", directory, hex) >= 0 ? path : NULL;
}

static int sso_cache_refuse(const struct credential_source *s, const char *path, const char *why, struct error *err)
{
	error_set(err, -ENOKEY, "%s: %s %s", s->label, path, why);
	error_remedy(err, "touch control/login");
	return -ENOKEY;
}

static bool sso_cache_has(const cJSON *token, const char *member)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, member));

	return text && *text;
}

static int sso_cache_load(const char *path, cJSON **ret)
{
	_close_ int fd = file_open_regular(path);
	size_t len, size;
	char *text;
	int r = fd < 0 ? fd : secret_read(fd, TOKEN_MAX, &text, &len, &size);

	if (r < 0)
		return r;
	r = aws_credentials_parse(text, ret);
	secret_free(text, size);
	return r == -ENOMEM ? r : 0;
}

int sso_cache_read(const struct credential_source *s, cJSON **ret, struct error *err)
{
	_free_ char *path = sso_cache_path(s);
	cJSON *token = NULL;
	int r = path ? sso_cache_load(path, &token) : -ENOMEM;

	*ret = NULL;
	if (r == -ENOENT)
		return sso_cache_refuse(s, path, "does not exist: nobody has signed in", err);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return sso_cache_refuse(s, path, file_explain(r), err);
	if (!sso_cache_has(token, "accessToken") || !sso_cache_has(token, "expiresAt")) {
		secret_free_json(token);
		return sso_cache_refuse(s, path, "does not contain a token", err);
	}
	*ret = token;
	return 0;
}

static int sso_cache_not_written(int r, const char *path, struct error *err)
{
	error_set(err, r, "cannot write the token to %s: %s", path ? path : "~/.aws/sso/cache", strerror(-r));
	if (r != -ENOMEM)
		error_remedy(err, "make that directory writable for you, then touch control/login");
	return r;
}

int sso_cache_prepare(const struct credential_source *s, struct error *err)
{
	_free_ char *path = sso_cache_path(s), *directory = sso_cache_directory();
	int r = path && directory ? file_make_directories(directory) : -ENOMEM;

	if (r == 0 && access(directory, W_OK | X_OK) < 0)
		r = -errno;
	return r < 0 ? sso_cache_not_written(r, path, err) : 0;
}

int sso_cache_write(const struct credential_source *s, const cJSON *token, struct error *err)
{
	_free_ char *path = sso_cache_path(s), *directory = sso_cache_directory();
	_secret_text_ char *text = cJSON_PrintUnformatted(token);
	int r = path && directory && text ? file_make_directories(directory) : -ENOMEM;

	if (r == 0)
		r = file_write_atomically(path, text, strlen(text));
	return r < 0 ? sso_cache_not_written(r, path, err) : 0;
}

int sso_cache_remove(const struct credential_source *s, struct error *err)
{
	_free_ char *path = sso_cache_path(s);

	if (!path)
		return error_set(err, -ENOMEM, "out of memory");
	return unlink(path) == 0 ? 0 : error_set(err, -errno, "cannot remove %s: %s", path, strerror(errno));
}
