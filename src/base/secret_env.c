/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/secret_env.h"

#include "base/secret.h"

#include <string.h>

extern char **environ;

static const char *const names[] = {
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_SECURITY_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
};

/* The entries "NAME=value" of the secret variables that were set. */
static char *taken[ARRAY_SIZE(names)];

void secret_env_take(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *value = getenv(names[i]);

		if (!value || taken[i])
			continue;
		taken[i] = secret_printf("%s=%s", names[i], value);
		if (!taken[i])
			continue;
		explicit_bzero(value, strlen(value));
		unsetenv(names[i]);
	}
}

const char *secret_env_get(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (taken[i] && strcmp(names[i], name) == 0)
			return taken[i] + strlen(name) + 1;
	return getenv(name);
}

/* The new array points to the existing strings. */
char **secret_env_for_child(void)
{
	size_t n = 0;
	char **all;

	while (environ[n])
		n++;
	all = calloc(n + ARRAY_SIZE(names) + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, environ, n * sizeof(*all));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (taken[i])
			all[n++] = taken[i];
	return all;
}

void secret_env_free_child(char **environment)
{
	free(environment);
}
