/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/docker_config.h"

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/secret.h"
#include "image/helper.h"
#include "image/reference.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX ((size_t)1 << 20)
#define HUB_KEY	 "https://index.docker.io/v1/" /* the key of Docker Hub in docker's files */

/* The image that needs credentials, and the file being searched. */
struct docker_lookup {
	const char *host;
	char whole[512]; /* "host/name" */
	const char *file;
	struct error *warning; /* NULL: the caller does not need warnings */
};

/* -- entries ---------------------------------------------------------------------------------------------------- */

static const char *docker_text(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

/* "user:password" in base64. */
static int docker_encode_basic(const char *user, const char *password, struct buf *ret)
{
	size_t len = strlen(user) + 1 + strlen(password);
	_secret_text_ char *plain = secret_printf("%s:%s", user, password);
	_secret_text_ char *coded = secret_alloc((len + 2) / 3 * 4 + 1);

	if (!plain || !coded)
		return -ENOMEM;
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain, (int)len);
	return buf_puts(ret, coded);
}

static int docker_refuse_entry(const struct docker_lookup *w, const char *lacking, struct error *err)
{
	error_set(err, -EBADMSG, "%s has no %s for %s", w->file, lacking, w->host);
	error_remedy(err, "log in again: docker login %s", w->host);
	return -EBADMSG;
}

static int docker_take_pair(const struct docker_lookup *w, const char *user, const char *password, struct buf *ret,
			    struct error *err)
{
	if (strcmp(user, "<token>") == 0) {
		error_set(err, -EOPNOTSUPP,
			  "%s has an identity token for %s; vastfs supports only passwords and access tokens", w->file,
			  w->host);
		error_remedy(err, "log in with a user name and a password or access token: docker login %s", w->host);
		return -EOPNOTSUPP;
	}
	if (!*user || strchr(user, ':'))
		return docker_refuse_entry(w, "valid user name", err);
	return docker_encode_basic(user, password, ret);
}

/* -- auths ------------------------------------------------------------------------------------------------------ */

/* base64(1) breaks lines after 76 characters, so a value made with it contains newlines. */
static void docker_remove_blanks(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (!strchr(" \t\r\n", *text))
			*out++ = *text;
	*out = '\0';
}

static int docker_take_auth(const struct docker_lookup *w, const char *auth, struct buf *ret, struct error *err)
{
	size_t size = strlen(auth) + 1;
	_secret_text_ char *coded = secret_strdup(auth);
	char *plain = secret_alloc(size), *colon;
	int n, r;

	if (!plain || !coded) {
		secret_free(plain, size);
		return -ENOMEM;
	}
	docker_remove_blanks(coded);
	n = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)coded, (int)strlen(coded));
	/* Padding is decoded as NULs; some login programs also store NULs behind the password. */
	colon = n < 0 ? NULL : memchr(plain, ':', (size_t)n);
	if (!colon || strlen(plain) < (size_t)(colon - plain)) {
		r = docker_refuse_entry(w, "'user:password' in base64", err);
	} else {
		*colon = '\0';
		r = docker_take_pair(w, plain, colon + 1, ret, err);
	}
	secret_free(plain, size);
	return r;
}

static int docker_take_entry(const struct docker_lookup *w, const cJSON *entry, struct buf *ret, struct error *err)
{
	const char *auth = docker_text(entry, "auth");

	if (*docker_text(entry, "identitytoken"))
		return docker_take_pair(w, "<token>", "", ret, err);
	if (*auth)
		return docker_take_auth(w, auth, ret, err);
	if (*docker_text(entry, "username"))
		return docker_take_pair(w, docker_text(entry, "username"), docker_text(entry, "password"), ret, err);
	return 0;
}

/* -- keys ------------------------------------------------------------------------------------------------------- */

static void config_key_cut_end(char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	if (len > n && strcmp(s + len - n, end) == 0)
		s[len - n] = '\0';
}

/* Normalizes a key to "host" or "host/namespace": no scheme, no API version, one host name for Docker Hub. */
static void config_key_normalize(const char *key, char *out, size_t size)
{
	const char *host_end;
	char host[256];

	if (strncasecmp(key, "https://", 8) == 0)
		key += 8;
	else if (strncasecmp(key, "http://", 7) == 0)
		key += 7;
	host_end = key + strcspn(key, "/");
	snprintf(host, sizeof(host), "%.*s", (int)(host_end - key), key);
	snprintf(out, size, "%s%s", image_host_is_docker_hub(host) ? IMAGE_DOCKER_HUB : host, host_end);
	config_key_cut_end(out, "/");
	if (strcmp(out + strcspn(out, "/"), "/v1") == 0 || strcmp(out + strcspn(out, "/"), "/v2") == 0)
		out[strcspn(out, "/")] = '\0';
}

/* The length of the key if it is a prefix of the image's "host/name", ignoring case; else 0. */
static size_t config_key_match(const struct docker_lookup *w, const char *key)
{
	char normal[512];
	size_t len;

	config_key_normalize(key, normal, sizeof(normal));
	len = strlen(normal);
	if (!len || strncasecmp(w->whole, normal, len) != 0 || (w->whole[len] && w->whole[len] != '/'))
		return 0;
	return len;
}

/* docker leaves an empty entry if a helper stores the password; it is ignored. */
static bool config_entry_has_credentials(const cJSON *entry)
{
	if (cJSON_IsString(entry))
		return *entry->valuestring;
	return *docker_text(entry, "auth") || *docker_text(entry, "username") || *docker_text(entry, "identitytoken");
}

static const cJSON *docker_best_entry(const struct docker_lookup *w, const cJSON *map)
{
	const cJSON *entry, *best = NULL;
	size_t longest = 0;

	if (!cJSON_IsObject(map))
		return NULL;
	cJSON_ArrayForEach (entry, map) {
		size_t len = config_entry_has_credentials(entry) ? config_key_match(w, entry->string) : 0;

		if (len > longest) {
			best = entry;
			longest = len;
		}
	}
	return best;
}

/* -- helpers ---------------------------------------------------------------------------------------------------- */

static int docker_take_helper_reply(const struct docker_lookup *w, const char *helper, const char *answer,
				    struct buf *ret, struct error *err)
{
	_secret_json_ cJSON *json = NULL;

	if (json_parse(answer, strlen(answer), &json, NULL) == -ENOMEM)
		return -ENOMEM;
	if (!cJSON_IsObject(json)) {
		error_set(err, -EBADMSG, "%s: docker-credential-%s printed no JSON object for %s", w->file, helper,
			  w->host);
		error_remedy(err, "log in again: docker login %s", w->host);
		return -EBADMSG;
	}
	return docker_take_pair(w, docker_text(json, "Username"), docker_text(json, "Secret"), ret, err);
}

static int docker_ask_helper(const struct docker_lookup *w, const char *helper, struct buf *ret, struct error *err)
{
	char *answer = secret_alloc(IMAGE_HELPER_MAX);
	int r;

	if (!answer)
		return -ENOMEM;
	r = image_helper_get(helper, image_host_is_docker_hub(w->host) ? HUB_KEY : w->host, IMAGE_HELPER_MS, answer,
			     err);
	if (r < 0)
		error_prefix(err, "%s", w->file);
	else if (r > 0)
		r = docker_take_helper_reply(w, helper, answer, ret, err);
	secret_free(answer, IMAGE_HELPER_MAX);
	return r;
}

/* -- faults that do not prevent a pull of a public image -------------------------------------------------------- */

/* Only the first warning is kept, because users overlook a message with several. */
static void docker_warn(const struct docker_lookup *w, const struct error *what)
{
	if (w->warning && !error_is(w->warning))
		*w->warning = *what;
}

/* A configuration copied from another machine may name a helper that is missing or hangs here: only a warning. */
static int docker_ask_helper_or_warn(const struct docker_lookup *w, const char *helper, struct buf *ret,
				     struct error *err)
{
	struct error own = {0};
	int r = docker_ask_helper(w, helper, ret, &own);

	if (r == -ENOMEM || r == -EOPNOTSUPP) {
		if (err && error_is(&own))
			*err = own;
		return r;
	}
	if (r < 0)
		docker_warn(w, &own);
	return 0;
}

static int docker_warn_of_file(const struct docker_lookup *w, const char *path, const char *fault)
{
	struct error what = {0};

	error_set(&what, -EBADMSG, "%s %s", path, fault);
	error_remedy(&what, "remove %s, or run: docker login", path);
	docker_warn(w, &what);
	return 0;
}

/* -- files ------------------------------------------------------------------------------------------------------ */

static int docker_search_config(const struct docker_lookup *w, const cJSON *config, struct buf *ret, struct error *err)
{
	const cJSON *helper = docker_best_entry(w, cJSON_GetObjectItemCaseSensitive(config, "credHelpers"));
	const char *store = docker_text(config, "credsStore");
	int r = 0;

	if (cJSON_IsString(helper))
		r = docker_ask_helper_or_warn(w, helper->valuestring, ret, err);
	else if (*store)
		r = docker_ask_helper_or_warn(w, store, ret, err);
	if (r < 0 || ret->len)
		return r;
	return docker_take_entry(w, docker_best_entry(w, cJSON_GetObjectItemCaseSensitive(config, "auths")), ret, err);
}

/* Editors on Windows put a byte order mark at the beginning. */
static const char *docker_skip_byte_order_mark(const char *text)
{
	return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static bool docker_text_is_empty(const char *text)
{
	text += strspn(text, " \t\r\n");
	if (strncmp(text, "null", 4) == 0)
		text += 4;
	return text[strspn(text, " \t\r\n")] == '\0';
}

static int docker_search_text(struct docker_lookup *w, const char *path, const char *text, struct buf *ret,
			      struct error *err)
{
	_secret_json_ cJSON *json = NULL;

	text = docker_skip_byte_order_mark(text);
	if (docker_text_is_empty(text))
		return docker_warn_of_file(w, path, "is empty");
	errno = 0;
	json = cJSON_ParseWithOpts(text, NULL, true);
	if (!json && errno == ENOMEM)
		return -ENOMEM;
	if (!cJSON_IsObject(json)) {
		error_set(err, -EBADMSG, "%s is not a JSON object", path);
		error_remedy(err, "fix or remove %s, then run: docker login", path);
		return -EBADMSG;
	}
	w->file = path;
	return docker_search_config(w, json, ret, err);
}

static int docker_cannot_read(const char *path, int r, struct error *err)
{
	error_set(err, r, "cannot read %s: %s", path, file_explain(r));
	error_remedy(err, "fix or remove %s", path);
	return r;
}

static int docker_search_file(struct docker_lookup *w, const char *path, struct buf *ret, struct error *err)
{
	_close_ int fd = file_open_regular_or_null(path);
	size_t len, size;
	char *text;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd == -EACCES)
		return docker_warn_of_file(w, path, "cannot be read: permission denied");
	if (fd < 0)
		return docker_cannot_read(path, fd, err);
	r = secret_read(fd, FILE_MAX, &text, &len, &size);
	if (r < 0)
		return docker_cannot_read(path, r, err);
	r = docker_search_text(w, path, text, ret, err);
	secret_free(text, size);
	return r;
}

/* Searches "$variable/rest" or "~/home_part/rest", unless neither directory is known. */
static int docker_search_below(struct docker_lookup *w, const char *variable, const char *home_part, const char *rest,
			       struct buf *ret, struct error *err)
{
	const char *dir = getenv(variable), *home = path_home();
	_free_ char *path = NULL;
	int n;

	if (dir && *dir)
		n = asprintf(&path, "%s/%s", dir, rest);
	else if (home_part && home && *home)
		n = asprintf(&path, "%s/%s/%s", home, home_part, rest);
	else
		return 0;
	if (n < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return docker_search_file(w, path, ret, err);
}

static int docker_search_files(struct docker_lookup *w, struct buf *ret, struct error *err)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");
	int r = docker_search_below(w, "DOCKER_CONFIG", ".docker", "config.json", ret, err);

	if (r < 0 || ret->len)
		return r;
	if (named && *named)
		return docker_search_file(w, named, ret, err);
	r = docker_search_below(w, "XDG_RUNTIME_DIR", NULL, "containers/auth.json", ret, err);
	if (r < 0 || ret->len)
		return r;
	return docker_search_below(w, "XDG_CONFIG_HOME", ".config", "containers/auth.json", ret, err);
}

int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *ret_warning,
		      struct error *err)
{
	struct docker_lookup w = {.host = image_host_is_docker_hub(host) ? IMAGE_DOCKER_HUB : host,
				  .warning = ret_warning};

	if ((size_t)snprintf(w.whole, sizeof(w.whole), "%s/%s", w.host, name) >= sizeof(w.whole))
		return error_set(err, -EINVAL, "the name of the image has more than %zu characters",
				 sizeof(w.whole) - 1);
	return docker_search_files(&w, ret_basic, err);
}
