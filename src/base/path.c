/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/path.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWD_MAX 16384

/* In the values of these two variables "~" at the beginning and $NAME are expanded, as the AWS CLI does; in other
 * variables they are part of the name. */
static const char *const expanded[] = {"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};

static const char *const variables[] = {
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
	"AWS_CA_BUNDLE",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"DOCKER_CONFIG",
	"REGISTRY_AUTH_FILE",
	"XDG_CONFIG_HOME",
	"XDG_STATE_HOME",
	"XDG_CACHE_HOME",
	"XDG_RUNTIME_DIR",
	"HOME",
};

static char start_directory[PATH_MAX];
static pthread_once_t passwd_once = PTHREAD_ONCE_INIT;
static char passwd_home[PATH_MAX];

static bool path_is_expanded(const char *variable)
{
	for (size_t i = 0; i < ARRAY_SIZE(expanded); i++)
		if (strcmp(variable, expanded[i]) == 0)
			return true;
	return false;
}

static int path_fix_variable(const char *name)
{
	const char *value = getenv(name);
	_free_ char *path = NULL, *absolute = NULL;

	if (!value || !*value)
		return 0;
	path = path_is_expanded(name) ? path_expand(value) : strdup(value);
	if (!path)
		return -ENOMEM;
	if (*path != '/' && !*start_directory)
		return -ENOENT;
	absolute = path_absolute(path);
	return absolute && setenv(name, absolute, 1) == 0 ? 0 : -ENOMEM;
}

int path_fix_environment(void)
{
	int r = 0;

	if (!getcwd(start_directory, sizeof(start_directory)))
		*start_directory = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(variables) && r == 0; i++)
		r = path_fix_variable(variables[i]);
	return r;
}

char *path_absolute(const char *path)
{
	char *absolute;

	if (*path == '/' || !*start_directory)
		return strdup(path);
	return asprintf(&absolute, "%s/%s", start_directory, path) < 0 ? NULL : absolute;
}

static void path_find_home(void)
{
	char text[PASSWD_MAX];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found && found->pw_dir)
		snprintf(passwd_home, sizeof(passwd_home), "%s", found->pw_dir);
}

const char *path_home(void)
{
	const char *home = getenv("HOME");

	if (home && *home)
		return home;
	pthread_once(&passwd_once, path_find_home);
	return *passwd_home ? passwd_home : NULL;
}

/* -- expansion ------------------------------------------------------------------------------------------------- */

/* The home of the user named by len bytes at name, or of this user if len is 0; NULL if there is no such user. */
static const char *path_home_of(const char *name, size_t len, char text[static PASSWD_MAX])
{
	struct passwd entry, *found = NULL;
	char user[LOGIN_NAME_MAX];

	if (!len)
		return path_home();
	snprintf(user, sizeof(user), "%.*s", (int)len, name);
	return getpwnam_r(user, &entry, text, PASSWD_MAX, &found) == 0 && found ? found->pw_dir : NULL;
}

/* Expands "~", "~/..." and "~user/..."; other paths, and unknown users, are unchanged. */
static char *path_expand_tilde(const char *path)
{
	size_t len = strcspn(path, "/");
	char text[PASSWD_MAX], *out;
	const char *home = *path == '~' ? path_home_of(path + 1, len - 1, text) : NULL;

	if (!home)
		return strdup(path);
	return asprintf(&out, "%s%s", home, path + len) < 0 ? NULL : out;
}

/* The length and the value of $NAME or ${NAME} at s; 0 if s is no reference or the variable is not set. */
static size_t path_variable_at(const char *s, const char **ret_value)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	bool braces = s[0] == '$' && s[1] == '{';
	size_t begin = braces ? 2 : 1;
	size_t len = *s == '$' ? (braces ? strcspn(s + begin, "}") : strspn(s + begin, letters)) : 0;
	char name[PATH_MAX];

	if (!len || len >= sizeof(name) || (braces && !s[begin + len]))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len, s + begin);
	*ret_value = getenv(name);
	return *ret_value ? begin + len + braces : 0;
}

char *path_expand(const char *path)
{
	_buf_ struct buf out = BUF_INIT(PATH_MAX);
	const char *value;
	size_t n;

	for (const char *s = path; *s; s += n) {
		n = path_variable_at(s, &value);
		if (n)
			buf_puts(&out, value);
		else
			n = buf_putc(&out, *s) == 0;
		if (out.error)
			return NULL;
	}
	return path_expand_tilde(buf_str(&out));
}
