/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - writes messages of the runtime to stderr, which Lambda sends to CloudWatch Logs.
 *
 * A log that is closed or full never delays a command or its deadline; the message is then lost. One thread uses the
 * log. Arguments are not kept, except for the name.
 */
#ifndef VAST_RUNTIME_LOG_H
#define VAST_RUNTIME_LOG_H

#include <stddef.h>

/* Sets the name at the start of each line; it must be static. The default is vast-lambda-runtime. */
void log_set_name(const char *name);

/* Writes one line that starts with the name of the program. */
void log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes bytes of the command's stderr unchanged. */
void log_copy(const char *data, size_t len);

#endif
