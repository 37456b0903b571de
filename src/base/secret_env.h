/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret_env.h - the variables of the environment that are secret: kept as secret.h keeps secrets, and gone from the
 * environment, which anybody who may read the process's memory or a core file finds at once.
 */
#ifndef VASTFS_BASE_SECRET_ENV_H
#define VASTFS_BASE_SECRET_ENV_H

/* Moves AWS_SECRET_ACCESS_KEY and its like out of the environment. Once, while the process has one thread. */
void secret_env_take(void);

/* As getenv, for these too; valid for ever. Any thread. */
const char *secret_env_get(const char *name);

/* The environment as vastfs was given it, for a program that it starts. NULL without memory; freed by the second. */
char **secret_env_for_child(void);
void secret_env_free_child(char **environment);

#endif
