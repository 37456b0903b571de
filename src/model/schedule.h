/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schedule.h - decides when each part of the stack is read again, so that a mount makes few requests to AWS.
 *
 * The stack counts as used while the kernel sends requests, a log is open or a process waits in poll(2), and for 10
 * minutes afterwards. While it is used, changes by others are shown within 30 s for tasks and within 60 s for the
 * stack. That takes fewer than 400 of the 480 calls that a mount may make in an hour; the rest is for logs and for
 * attend.c. A stack that is not used takes 37 calls an hour. A part that is changing is read more often, and less often
 * the longer it has not changed. If there is no stack, nothing is read.
 *
 * Pure; any thread. Times are those of the monotonic clock unless they are named after the wall clock, in milliseconds.
 */
#ifndef VASTFS_MODEL_SCHEDULE_H
#define VASTFS_MODEL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_USE_MS 600000 /* how long a stack counts as used; the kernel's cache lasts no longer (fs/attr.c) */

enum schedule_part {
	SCHEDULE_STACK = 1 << 0,    /* DescribeStacks; DescribeStackResources if it has changed */
	SCHEDULE_TASKS = 1 << 1,    /* ListTasks, twice; the details of all tasks if it has changed */
	SCHEDULE_DETAILS = 1 << 2,  /* DescribeTasks */
	SCHEDULE_SERVICE = 1 << 3,  /* DescribeServices */
	SCHEDULE_FUNCTION = 1 << 4, /* GetFunctionConfiguration */
	SCHEDULE_STORAGE = 1 << 5,  /* DescribeFileSystems, for the size of the database */
};
#define SCHEDULE_PARTS 6
#define SCHEDULE_ALL   ((1 << SCHEDULE_PARTS) - 1)

struct schedule {
	int64_t read_ms[SCHEDULE_PARTS]; /* when each part was read last */
};

struct schedule_facts {
	int64_t now_ms;
	int64_t used_ms;    /* time of the last use */
	bool held;	    /* a log is open or a process waits in poll(2) */
	bool exists;	    /* there is a stack */
	bool tasks_change;  /* a task starts or stops, or one is expected */
	bool stack_changes; /* CloudFormation works on the stack */
	int64_t changed_ms; /* time of the last change that was seen */
};

/*
 * How long ago something changed, both by the wall clock. A change in the future counts as old: the clock was set back,
 * and until it has caught up, the change would be read every second.
 */
int64_t schedule_age_ms(int64_t wall_ms, int64_t changed_ms);

bool schedule_is_used(const struct schedule_facts *f);

/* Returns the parts to read now as a bit mask; 0: none. */
unsigned schedule_due(const struct schedule *s, const struct schedule_facts *f);

/* Returns the time until a part is due; -1: no part is due before the stack is used. */
int64_t schedule_delay(const struct schedule *s, const struct schedule_facts *f);

void schedule_was_read(struct schedule *s, unsigned parts, int64_t now_ms);

#endif
