/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The runtime's own stderr, which Lambda keeps in CloudWatch Logs.
 *
 * Best effort: a log that is closed or does not take more never holds up a command or its deadline.
 */
#ifndef VAST_RUNTIME_LOG_H
#define VAST_RUNTIME_LOG_H

#include <stddef.h>

/* The name in front of each line, static; vast-lambda-runtime if it is never set. */
void log_set_name(const char *name);

/* One line of the runtime's own, with the program's name in front and a newline behind. */
void log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes of the command's stderr as they are. */
void log_copy(const char *data, size_t len);

#endif
