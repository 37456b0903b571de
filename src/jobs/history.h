/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history.h - which commands that have ended are forgotten, and when.
 *
 * Pure, but for the reference counts. The newest command of each list always stays, so that its result can be read.
 */
#ifndef VASTFS_JOBS_HISTORY_H
#define VASTFS_JOBS_HISTORY_H

#include "jobs/job.h"

#define HISTORY_LISTS 2 /* of commands in Lambda, and in containers */

struct history_limits {
	size_t keep;	     /* commands of each list, those in flight included */
	uint64_t disk_bytes; /* that the outputs of all lists may take together on the disk */
};

/*
 * Replaces the lists by shorter ones: without the oldest commands beyond keep, then without the oldest of all lists
 * whose outputs are on the disk until they take no more than disk_bytes. Commands in flight stay. 1: something was
 * dropped; 0: nothing had to be; -ENOMEM: the lists are unchanged.
 */
int history_trim(struct job_list **const lists[static HISTORY_LISTS], const struct history_limits *limits);

#endif
