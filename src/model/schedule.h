/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schedule.h - decides when which part of the stack is read again, so that a mount costs few calls of AWS.
 *
 * The stack is used while the kernel sends requests, a log is open or a process waits in poll(2), and for 10 minutes
 * afterwards. While it is used and nothing changes, what others do to tasks shows within 30 s and to the stack within
 * 60 s, for fewer than 400 calls an hour; the rest of the 480 is for logs and for attend.c. Unused, it costs 36 calls
 * an hour. What changes is read more often, and less so the longer it has not changed. Without a stack nothing is read.
 *
 * Pure; any thread. Times are those of the monotonic clock, in milliseconds.
 */
#ifndef VASTFS_MODEL_SCHEDULE_H
#define VASTFS_MODEL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_USE_MS 600000 /* how long a use lasts; the kernel caches nothing longer (fs/attr.c) */

enum schedule_part {
	SCHEDULE_STACK = 1 << 0,    /* DescribeStacks; DescribeStackResources if it has changed */
	SCHEDULE_TASKS = 1 << 1,    /* ListTasks, twice; the details of all tasks if it has changed */
	SCHEDULE_DETAILS = 1 << 2,  /* DescribeTasks */
	SCHEDULE_SERVICE = 1 << 3,  /* DescribeServices */
	SCHEDULE_FUNCTION = 1 << 4, /* GetFunctionConfiguration */
};
#define SCHEDULE_PARTS 5
#define SCHEDULE_ALL   ((1 << SCHEDULE_PARTS) - 1)

struct schedule {
	int64_t read_ms[SCHEDULE_PARTS]; /* when each part was read last */
};

struct schedule_facts {
	int64_t now_ms;
	int64_t used_ms;    /* the last use */
	bool held;	    /* a log is open or a process waits in poll(2) */
	bool exists;	    /* there is a stack */
	bool tasks_change;  /* a task starts or stops, or one is expected */
	bool stack_changes; /* CloudFormation works on the stack */
	int64_t changed_ms; /* the last change that was seen */
};

bool schedule_is_used(const struct schedule_facts *f);

/* The parts to read now, 0: none. */
unsigned schedule_due(const struct schedule *s, const struct schedule_facts *f);

/* How long until a part is due; -1: not before somebody asks. */
int64_t schedule_delay(const struct schedule *s, const struct schedule_facts *f);

void schedule_was_read(struct schedule *s, unsigned parts, int64_t now_ms);

#endif
