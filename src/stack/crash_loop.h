/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash_loop.h - when a server that ends again and again is given up. Pure.
 *
 * ECS starts a task of a service again for ever, with pauses of up to 15 minutes: at the user's cost, and out of sight.
 */
#ifndef VASTFS_STACK_CRASH_LOOP_H
#define VASTFS_STACK_CRASH_LOOP_H

#include "base/buf.h"
#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define CRASHES_MAX	  3
#define CRASHES_WITHIN_MS 300000
#define CRASH_LOG_LINES	  10 /* of the log's end that are worth reading */

/*
 * The newest of a service's tasks that ended by themselves (a crash, a failed start, a failed health check), if three
 * of those that were created after that time (AWS's, seconds) did so within the last 5 minutes; else NULL. tasks is an
 * array of DescribeTasks' records.
 */
const cJSON *crash_loop_find(const cJSON *tasks, const char *service, double after, int64_t now_ms);

/* The error that tells of it; tail: the end of the task's log, "" if there is none. */
int crash_loop_error(const cJSON *task, const char *tail, struct error *err);

/* The last lines of GetLogEvents' events as they fit into an error: "line | line | line". */
void crash_loop_quote_log(const cJSON *events, struct buf *out);

/* Bytes of the first line of text, at most max, not ending within a UTF-8 character. */
int crash_loop_line_length(const char *text, size_t max);

#endif
