/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.h - the messages of vastfs: to standard error in the foreground, to syslog as a daemon.
 *
 * Never log a credential, a signature, the text of a query or its result. Any thread.
 */
#ifndef VASTFS_BASE_LOG_H
#define VASTFS_BASE_LOG_H

#include "base/cleanup.h"

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Call this before any thread is started. */
void log_set_level(enum log_level most);
void log_to_syslog(void);

void log_write(enum log_level level, const char *format, ...) _printf_(2, 3);

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
