#include "base/path.h"

#include "base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#define PASSWD_MAX 16384

/* "~/" at the beginning is the home directory in these two and a plain name in the others. */
static const char *const with_tilde[] = {"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};

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

static bool path_is_relative(const char *variable, const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(with_tilde); i++)
		if (strcmp(variable, with_tilde[i]) == 0 && strncmp(path, "~/", 2) == 0)
			return false;
	return true;
}

static int path_fix_variable(const char *name)
{
	const char *value = getenv(name);
	_free_ char *absolute = NULL;

	if (!value || !path_is_relative(name, value))
		return 0;
	if (!*start_directory)
		return -ENOENT;
	absolute = path_absolute(value);
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
