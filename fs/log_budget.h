/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_budget.h - limits the number of logs that one process makes vastfs fetch: 5 first fetches per minute. Without a
 * limit, a program that reads the whole tree would fetch every log. Pure; the caller owns the budget and uses it on one
 * thread.
 */
#ifndef VASTFS_FS_LOG_BUDGET_H
#define VASTFS_FS_LOG_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_BUDGET_FETCHES 5
#define LOG_BUDGET_MS	   60000
#define LOG_BUDGET_KEPT	   64

/* The latest fetches, in a ring. A process that has left the ring has a full budget again. */
struct log_budget {
	struct {
		pid_t pid;
		int64_t at_ms;
	} fetches[LOG_BUDGET_KEPT];
	unsigned next;
};

/* Returns whether pid may cause another fetch at now_ms (monotonic), and counts that fetch. */
bool log_budget_take(struct log_budget *b, pid_t pid, int64_t now_ms);

#endif
