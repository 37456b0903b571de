/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

static enum log_level threshold = LOG_LEVEL_WARNING;
static bool use_syslog;

void log_set_level(enum log_level most)
{
	threshold = most;
}

void log_to_syslog(void)
{
	openlog("vastfs", LOG_PID, LOG_DAEMON);
	use_syslog = true;
}

void log_write(enum log_level level, const char *format, ...)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	char whole[1024], line[1024];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(whole, sizeof(whole), format, args);
	va_end(args);
	escape_copy(line, sizeof(line), whole);
	if (use_syslog)
		syslog(priorities[level], "%s", line);
	else
		fprintf(stderr, "vastfs: %s\n", line);
}
