#include "image/docker_config.h"

#include "base/log.h"
#include "image/helper.h"
#include "image/reference.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX ((size_t)1 << 20)
#define HUB_KEY	 "https://index.docker.io/v1/" /* the name under which docker keeps Docker Hub */

/* What is looked for, and where. */
struct wanted {
	const char *host;
	char whole[512]; /* "host/name" */
	const char *file;
};

/* -- secrets do not stay in memory ------------------------------------------------------------------------------ */

static void clear_strings(cJSON *o)
{
	for (; o; o = o->next) {
		if (cJSON_IsString(o) && o->valuestring)
			explicit_bzero(o->valuestring, strlen(o->valuestring));
		clear_strings(o->child);
	}
}

static void secret_json_cleanup(cJSON **json)
{
	clear_strings(*json);
	cJSON_Delete(*json);
}

struct secret {
	char *data;
	size_t size;
};

static void secret_cleanup(struct secret *s)
{
	if (s->data)
		explicit_bzero(s->data, s->size);
	free(s->data);
}

#define _secret_      _cleanup_(secret_cleanup)
#define _secret_json_ _cleanup_(secret_json_cleanup)

/* All memory at once: growing would leave copies behind. */
static struct secret secret_new(size_t size)
{
	struct secret s = {calloc(1, size), size};

	return s;
}

/* -- answers ---------------------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

/* "user:password" in base64. */
static int encode(const char *user, const char *password, struct buf *ret)
{
	size_t len = strlen(user) + 1 + strlen(password);
	_secret_ struct secret plain = secret_new(len + 1), coded = secret_new((len + 2) / 3 * 4 + 1);

	if (!plain.data || !coded.data)
		return -ENOMEM;
	snprintf(plain.data, plain.size, "%s:%s", user, password);
	EVP_EncodeBlock((unsigned char *)coded.data, (const unsigned char *)plain.data, (int)len);
	return buf_puts(ret, coded.data);
}

static int take_pair(const struct wanted *w, const char *user, const char *password, struct buf *ret, struct error *err)
{
	if (strcmp(user, "<token>") == 0) {
		error_set(err, -EOPNOTSUPP, "%s has an identity token for %s, and vastfs can use a password only",
			  w->file, w->host);
		error_remedy(err, "log in with a user name and a password or access token: docker login %s", w->host);
		return -EOPNOTSUPP;
	}
	if (!*user || strchr(user, ':'))
		return error_set(err, -EBADMSG, "%s has no sensible user name for %s", w->file, w->host);
	return encode(user, password, ret);
}

/* -- auths ------------------------------------------------------------------------------------------------------ */

static int take_auth(const struct wanted *w, const char *auth, struct buf *ret, struct error *err)
{
	size_t len = strlen(auth);
	_secret_ struct secret plain = secret_new(len + 1);
	char *colon;
	int n;

	if (!plain.data)
		return -ENOMEM;
	n = EVP_DecodeBlock((unsigned char *)plain.data, (const unsigned char *)auth, (int)len);
	/* The padding is decoded as NULs; some logins store NULs behind the password as well. */
	colon = n < 0 ? NULL : memchr(plain.data, ':', (size_t)n);
	if (!colon || strlen(plain.data) < (size_t)(colon - plain.data))
		return error_set(err, -EBADMSG, "%s has for %s no 'user:password' in base64", w->file, w->host);
	*colon = '\0';
	return take_pair(w, plain.data, colon + 1, ret, err);
}

static int take_entry(const struct wanted *w, const cJSON *entry, struct buf *ret, struct error *err)
{
	const char *auth = text_of(entry, "auth");

	if (*text_of(entry, "identitytoken"))
		return take_pair(w, "<token>", "", ret, err);
	if (*auth)
		return take_auth(w, auth, ret, err);
	if (*text_of(entry, "username"))
		return take_pair(w, text_of(entry, "username"), text_of(entry, "password"), ret, err);
	return 0;
}

/* -- keys ------------------------------------------------------------------------------------------------------- */

static void cut_end(char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	if (len > n && strcmp(s + len - n, end) == 0)
		s[len - n] = '\0';
}

/* A key as "host" or "host/namespace": without scheme and API version, Docker Hub by one name. */
static void normalize(const char *key, char *out, size_t size)
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
	cut_end(out, "/");
	if (strcmp(out + strcspn(out, "/"), "/v1") == 0 || strcmp(out + strcspn(out, "/"), "/v2") == 0)
		out[strcspn(out, "/")] = '\0';
}

/* How much of the wanted name the key covers, 0 if it is another one's. The host's letters may differ in case. */
static size_t match(const struct wanted *w, const char *key)
{
	char normal[512];
	size_t len;

	normalize(key, normal, sizeof(normal));
	len = strlen(normal);
	if (!len || strncasecmp(w->whole, normal, len) != 0 || (w->whole[len] && w->whole[len] != '/'))
		return 0;
	return len;
}

/* An entry that says nothing, as docker leaves it where a helper has the password, is none. */
static bool says_something(const cJSON *entry)
{
	if (cJSON_IsString(entry))
		return *entry->valuestring;
	return *text_of(entry, "auth") || *text_of(entry, "username") || *text_of(entry, "identitytoken");
}

static const cJSON *best_of(const struct wanted *w, const cJSON *map)
{
	const cJSON *entry, *best = NULL;
	size_t longest = 0;

	if (!cJSON_IsObject(map))
		return NULL;
	cJSON_ArrayForEach (entry, map) {
		size_t len = says_something(entry) ? match(w, entry->string) : 0;

		if (len > longest) {
			best = entry;
			longest = len;
		}
	}
	return best;
}

/* -- helpers ---------------------------------------------------------------------------------------------------- */

static int ask_helper(const struct wanted *w, const char *helper, struct buf *ret, struct error *err)
{
	_secret_ struct secret answer = secret_new(IMAGE_HELPER_MAX);
	_secret_json_ cJSON *json = NULL;
	int r;

	if (!answer.data)
		return -ENOMEM;
	r = image_helper_get(helper, image_host_is_docker_hub(w->host) ? HUB_KEY : w->host, IMAGE_HELPER_MS,
			     answer.data, err);
	if (r < 0) {
		error_prefix(err, "%s", w->file);
		return r;
	}
	if (r == 0)
		return 0;
	json = cJSON_Parse(answer.data);
	if (!cJSON_IsObject(json))
		return error_set(err, -EBADMSG, "%s: docker-credential-%s gave no JSON object for %s", w->file, helper,
				 w->host);
	return take_pair(w, text_of(json, "Username"), text_of(json, "Secret"), ret, err);
}

/* A store that is set for all registries and not installed is what a copied file looks like: public images still go. */
static int ask_store(const struct wanted *w, const char *store, struct buf *ret, struct error *err)
{
	struct error own = {0};
	int r = ask_helper(w, store, ret, &own);

	if (r == -ENOENT) {
		log_warning("%s", own.message);
		return 0;
	}
	if (r < 0 && err)
		*err = own;
	return r;
}

/* -- files ------------------------------------------------------------------------------------------------------ */

static int look_into(const struct wanted *w, const cJSON *config, struct buf *ret, struct error *err)
{
	const cJSON *helper = best_of(w, cJSON_GetObjectItemCaseSensitive(config, "credHelpers"));
	const char *store = text_of(config, "credsStore");
	int r = 0;

	if (cJSON_IsString(helper))
		return ask_helper(w, helper->valuestring, ret, err);
	if (*store)
		r = ask_store(w, store, ret, err);
	if (r < 0 || ret->len)
		return r;
	return take_entry(w, best_of(w, cJSON_GetObjectItemCaseSensitive(config, "auths")), ret, err);
}

/* Returns the length; -ENOENT if there is no such file. */
static ssize_t read_secret(const char *path, struct secret *s)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	while ((n = read(fd, s->data + len, s->size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
		if (len == s->size)
			return -EFBIG;
	}
	return (ssize_t)len;
}

static int look_into_file(struct wanted *w, const char *path, struct buf *ret, struct error *err)
{
	_secret_ struct secret text = secret_new(FILE_MAX);
	_secret_json_ cJSON *json = NULL;
	ssize_t len;

	if (!text.data)
		return -ENOMEM;
	len = read_secret(path, &text);
	if (len == -ENOENT)
		return 0;
	if (len < 0)
		return error_set(err, (int)len, "cannot read %s: %s", path, strerror((int)-len));
	json = cJSON_ParseWithLength(text.data, (size_t)len);
	if (!cJSON_IsObject(json)) {
		error_set(err, -EBADMSG, "%s is not a JSON object", path);
		error_remedy(err, "mend or remove it, and log in again");
		return -EBADMSG;
	}
	w->file = path;
	return look_into(w, json, ret, err);
}

/* "<directory of the variable or of home>/<rest>", to be freed; NULL if neither is set. */
static char *path_in(const char *variable, const char *home_part, const char *rest)
{
	const char *dir = getenv(variable), *home = getenv("HOME");
	char *path = NULL;
	int n = 0;

	if (dir && *dir)
		n = asprintf(&path, "%s/%s", dir, rest);
	else if (home_part && home && *home)
		n = asprintf(&path, "%s/%s/%s", home, home_part, rest);
	return n < 0 ? NULL : path;
}

static int look_into_each(struct wanted *w, struct buf *ret, struct error *err)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");
	_free_ char *docker = path_in("DOCKER_CONFIG", ".docker", "config.json");
	_free_ char *session = path_in("XDG_RUNTIME_DIR", NULL, "containers/auth.json");
	_free_ char *lasting = path_in("XDG_CONFIG_HOME", ".config", "containers/auth.json");
	const char *paths[] = {docker, named && *named ? named : session, named && *named ? NULL : lasting};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0 && !ret->len; i++)
		if (paths[i])
			r = look_into_file(w, paths[i], ret, err);
	return r;
}

int image_credentials(const char *host, const char *name, struct buf *ret_basic, struct error *err)
{
	struct wanted w = {.host = image_host_is_docker_hub(host) ? IMAGE_DOCKER_HUB : host};

	if ((size_t)snprintf(w.whole, sizeof(w.whole), "%s/%s", w.host, name) >= sizeof(w.whole))
		return error_set(err, -EINVAL, "the name of the image is too long");
	return look_into_each(&w, ret_basic, err);
}
