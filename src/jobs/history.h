/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history.h - drops ended commands from the history when it is over its limits.
 *
 * Pure, except for reference counts. The newest command of each list always stays, so that its result can be read.
 */
#ifndef VASTFS_JOBS_HISTORY_H
#define VASTFS_JOBS_HISTORY_H

#include "jobs/job.h"

#define HISTORY_LISTS 2 /* the list of commands in Lambda and the list of commands in containers */

struct history_limits {
	size_t keep;	     /* commands in each list, including those in flight */
	uint64_t disk_bytes; /* most bytes on the disk of the outputs of all lists together */
};

/*
 * Replaces the lists by shorter ones: first drops the oldest commands beyond keep, then the oldest commands of all
 * lists with outputs on the disk until the outputs take at most disk_bytes. Commands in flight stay. 1: commands were
 * dropped; 0: nothing to drop; -ENOMEM: the lists are unchanged.
 */
int history_trim(struct job_list **const lists[static HISTORY_LISTS], const struct history_limits *limits);

#endif
