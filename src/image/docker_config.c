#include "image/docker_config.h"

#include "base/file.h"
#include "image/credential_helper.h"

#include <cjson/cJSON.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)
#define KEY_SIZE 600

struct wanted {
	const char *host, *name;
	const char *key; /* what docker calls the registry */
};

/* -- one entry ------------------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

/* A key without scheme, trailing slash and Docker's old "/v1": the registry, or a part of its repositories. */
static void normalize(const char *key, char out[KEY_SIZE])
{
	const char *host = strstr(key, "://");
	size_t n;

	snprintf(out, KEY_SIZE, "%s", host ? host + 3 : key);
	n = strlen(out);
	while (n && out[n - 1] == '/')
		out[--n] = '\0';
	if (n > 3 && (strcmp(out + n - 3, "/v1") == 0 || strcmp(out + n - 3, "/v2") == 0))
		out[n - 3] = '\0';
	if (strcmp(out, "index.docker.io") == 0 || strcmp(out, "docker.io") == 0)
		strcpy(out, "registry-1.docker.io");
}

/* How much of the repository's full name the key covers; 0: it is for another. */
static size_t covers(const char *key, const struct wanted *w)
{
	char normal[KEY_SIZE], full[KEY_SIZE];
	size_t n;

	normalize(key, normal);
	snprintf(full, sizeof(full), "%s/%s", w->host, w->name);
	n = strlen(normal);
	return n && strncmp(full, normal, n) == 0 && (full[n] == '/' || full[n] == '\0') ? n : 0;
}

static const cJSON *best(const cJSON *entries, const struct wanted *w)
{
	const cJSON *entry, *found = NULL;
	size_t most = 0;

	cJSON_ArrayForEach (entry, entries) {
		size_t n = entry->string ? covers(entry->string, w) : 0;

		if (n > most) {
			most = n;
			found = entry;
		}
	}
	return found;
}

static bool is_base64(const char *text)
{
	size_t n = strlen(text);

	return n && n % 4 == 0 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == n;
}

static int take_entry(const cJSON *entry, struct buf *ret, struct error *err)
{
	const char *auth = text_of(entry, "auth");

	if (*auth && !is_base64(auth))
		return error_set(err, -EINVAL, "the entry %s has an auth that is not base64", entry->string);
	if (*auth)
		return buf_puts(ret, auth);
	if (*text_of(entry, "username"))
		return credentials_encode(text_of(entry, "username"), text_of(entry, "password"), ret);
	return 0;
}

/* -- one file -------------------------------------------------------------------------------------------------- */

static int look_into(const cJSON *json, const struct wanted *w, struct buf *ret, struct error *err)
{
	const cJSON *helper = best(cJSON_GetObjectItemCaseSensitive(json, "credHelpers"), w);
	const cJSON *entry = best(cJSON_GetObjectItemCaseSensitive(json, "auths"), w);
	const char *store = text_of(json, "credsStore");
	int r = 0;

	if (cJSON_IsString(helper))
		return credential_helper_get(helper->valuestring, w->key, ret, err);
	if (entry)
		r = take_entry(entry, ret, err);
	if (r < 0 || ret->len || !*store)
		return r;
	return credential_helper_get(store, w->key, ret, err);
}

/* A file that is not there knows nothing. */
static int read_text(const char *path, struct buf *out, struct error *err)
{
	int r = file_read(path, out);

	return r == 0 || r == -ENOENT || r == -ENOTDIR ? 0 : error_set(err, r, "%s: %s", path, strerror(-r));
}

static int look_into_file(const char *path, const struct wanted *w, struct buf *ret, struct error *err)
{
	_buf_ struct buf text = BUF_INIT(FILE_MAX);
	cJSON *json = NULL;
	int r = read_text(path, &text, err);

	if (r == 0 && text.len) {
		json = cJSON_ParseWithLength(text.data, text.len);
		r = cJSON_IsObject(json) ? look_into(json, w, ret, err)
					 : error_set(err, -EINVAL, "it is not a JSON object");
		if (r < 0)
			error_prefix(err, "%s", path);
	}
	cJSON_Delete(json);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return r;
}

/* -- the files ------------------------------------------------------------------------------------------------- */

/* variable (or, if it is not set, the home directory and between) and name; "" if neither is there. */
static void path_of(char *out, size_t size, const char *variable, const char *between, const char *name)
{
	const char *start = variable ? getenv(variable) : NULL, *home = getenv("HOME");

	out[0] = '\0';
	if (start && *start)
		snprintf(out, size, "%s%s", start, name);
	else if (between && home && *home)
		snprintf(out, size, "%s%s%s", home, between, name);
}

int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *err)
{
	static const struct {
		const char *variable, *between, *name;
	} files[] = {
		{"REGISTRY_AUTH_FILE", NULL, ""},
		{"XDG_RUNTIME_DIR", NULL, "/containers/auth.json"},
		{NULL, "/.config", "/containers/auth.json"},
		{"DOCKER_CONFIG", "/.docker", "/config.json"},
	};
	bool hub = strcmp(host, "registry-1.docker.io") == 0;
	struct wanted w = {.host = host, .name = name, .key = hub ? "https://index.docker.io/v1/" : host};

	for (size_t i = 0; i < ARRAY_SIZE(files) && !ret_basic->len; i++) {
		char path[4096];
		int r;

		path_of(path, sizeof(path), files[i].variable, files[i].between, files[i].name);
		r = *path ? look_into_file(path, &w, ret_basic, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
