/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret_env.h - the secret variables of the environment: moves them to memory of secret.h and removes them from the
 * environment, which is easy to find in the memory of a process or in a core file.
 */
#ifndef VASTFS_BASE_SECRET_ENV_H
#define VASTFS_BASE_SECRET_ENV_H

/* Moves AWS_SECRET_ACCESS_KEY and the other secret variables out of the environment. Called once, while the process has
 * one thread. */
void secret_env_take(void);

/* Like getenv(), including the secret variables; the result is valid until the process ends. Any thread. */
const char *secret_env_get(const char *name);

/* The original environment, for a program started by vastfs. NULL without memory; free with secret_env_free_child(). */
char **secret_env_for_child(void);
void secret_env_free_child(char **environment);

#endif
