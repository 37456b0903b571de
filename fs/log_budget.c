/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/log_budget.h"

bool log_budget_take(struct log_budget *b, pid_t pid, int64_t now_ms)
{
	unsigned used = 0;

	for (unsigned i = 0; i < LOG_BUDGET_KEPT; i++)
		used += b->fetches[i].pid == pid && now_ms - b->fetches[i].at_ms < LOG_BUDGET_MS;
	if (used >= LOG_BUDGET_FETCHES)
		return false;
	b->fetches[b->next].pid = pid;
	b->fetches[b->next].at_ms = now_ms;
	b->next = (b->next + 1) % LOG_BUDGET_KEPT;
	return true;
}
