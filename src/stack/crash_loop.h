/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash_loop.h - decides when a server that ends repeatedly is not restarted again. Pure; any thread.
 *
 * ECS restarts the task of a service indefinitely, with pauses of up to 15 minutes. That costs money and is easily
 * overlooked.
 */
#ifndef VASTFS_STACK_CRASH_LOOP_H
#define VASTFS_STACK_CRASH_LOOP_H

#include "base/buf.h"
#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define CRASHES_MAX	  3
#define CRASHES_WITHIN_MS 300000
#define CRASH_LOG_LINES	  10 /* number of lines at the end of the log that are reported */

/*
 * The newest of a service's tasks that ended by themselves (a crash, a failed start, a failed health check), if at
 * least three tasks that were created after that time (AWS's clock, in seconds) ended so within the last 5 minutes;
 * else NULL. tasks is an array of records from DescribeTasks; the result belongs to it.
 */
const cJSON *crash_loop_find(const cJSON *tasks, const char *service, double after, int64_t now_ms);

/*
 * Fills err with the report of the crash loop and returns its errno. tail: the end of the task's log, "" if there is
 * none.
 */
int crash_loop_error(const cJSON *task, const char *tail, struct error *err);

/* Appends the last lines of GetLogEvents' events in the form that an error quotes: "line | line | line". */
void crash_loop_quote_log(const cJSON *events, struct buf *out);

/* Length of the first line of text in bytes, at most max, cut between UTF-8 characters. */
int crash_loop_line_length(const char *text, size_t max);

#endif
