/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of the runtime on stderr, which Lambda sends to CloudWatch Logs.
 *
 * Best effort: a log that is closed or full never delays a command or its deadline.
 */
#ifndef VAST_RUNTIME_LOG_H
#define VAST_RUNTIME_LOG_H

#include <stddef.h>

/* The name in front of each line, static; vast-lambda-runtime if it is never set. */
void log_set_name(const char *name);

/* Writes one line, preceded by the name of the program. */
void log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes bytes of the command's stderr unchanged. */
void log_copy(const char *data, size_t len);

#endif
