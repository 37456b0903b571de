/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* A pipe that poll(2) reports as writable accepts this many bytes without blocking. */
#define LOG_PIECE      4096
#define LOG_PATIENCE   500 /* ms in total that the runtime waits for a full log; afterwards it never waits */
#define LOG_LINE_LIMIT 1024

static bool log_takes_more(void)
{
	static bool full;
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	full = poll(&fd, 1, full ? 0 : LOG_PATIENCE) <= 0;
	return !full;
}

void log_copy(const char *data, size_t len)
{
	while (len > 0 && log_takes_more()) {
		ssize_t n = write(STDERR_FILENO, data, len < LOG_PIECE ? len : LOG_PIECE);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static const char *log_name = "vast-lambda-runtime";

void log_set_name(const char *name)
{
	log_name = name;
}

void log_say(const char *format, ...)
{
	char line[LOG_LINE_LIMIT];
	const size_t prefix = (size_t)snprintf(line, sizeof(line), "%.40s: ", log_name);
	const size_t room = sizeof(line) - prefix - 1;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line + prefix, room, format, args);
	va_end(args);
	if (n < 0)
		return;

	size_t len = prefix + ((size_t)n < room ? (size_t)n : room - 1);

	line[len++] = '\n';
	log_copy(line, len);
}
