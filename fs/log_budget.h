/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_budget.h - a program that sweeps the tree must not fetch every log: at most 5 first fetches a minute a process.
 */
#ifndef VASTFS_FS_LOG_BUDGET_H
#define VASTFS_FS_LOG_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_BUDGET_FETCHES 5
#define LOG_BUDGET_MS	   60000
#define LOG_BUDGET_KEPT	   64

/* The last fetches, a ring: a process that is no longer in it has a fresh budget. */
struct log_budget {
	struct {
		pid_t pid;
		int64_t at_ms;
	} fetches[LOG_BUDGET_KEPT];
	unsigned next;
};

/* Whether pid may cause another fetch at now_ms (monotonic); counts it if so. */
bool log_budget_take(struct log_budget *b, pid_t pid, int64_t now_ms);

#endif
