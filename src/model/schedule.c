/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/schedule.h"

#define UNUSED_MS     600000
#define CLOCK_STEP_MS 5000     /* a wall clock that is adjusted all the time steps back less than this */
#define LONG_AGO_MS   86400000 /* the age of a change of which no age is known */
#define PATIENCE      20       /* a change is read at the interval that is its age divided by this number */

/*
 * Calls per hour while the stack is used: 60 of CloudFormation, 253 for the lists of tasks, and about 25, 25, 6 and 1
 * for details, service, function and storage, which are only read together with the part that they follow. EFS itself
 * measures the size of a file system once an hour.
 */
static const struct {
	int64_t quiet_ms, changing_ms;
	bool with_tasks;  /* true: the part changes with the tasks; false: with the stack */
	unsigned follows; /* the part is read only together with this one */
} rows[SCHEDULE_PARTS] = {
	{60000, 3000, false, 0},
	{28500, 1000, true, 0},
	{120000, 1000, true, SCHEDULE_TASKS},
	{120000, 1000, true, SCHEDULE_TASKS},
	{600000, 3000, false, SCHEDULE_STACK},
	{3600000, 3600000, false, SCHEDULE_STACK},
};

int64_t schedule_age_ms(int64_t wall_ms, int64_t changed_ms)
{
	int64_t age_ms = wall_ms - changed_ms;

	if (age_ms >= 0)
		return age_ms;
	return age_ms > -CLOCK_STEP_MS ? 0 : LONG_AGO_MS;
}

bool schedule_is_used(const struct schedule_facts *f)
{
	return f->held || f->now_ms - f->used_ms < SCHEDULE_USE_MS;
}

static int64_t schedule_interval(int part, const struct schedule_facts *f)
{
	int64_t ms = (f->now_ms - f->changed_ms) / PATIENCE;

	if (!schedule_is_used(f))
		return rows[part].quiet_ms > UNUSED_MS ? rows[part].quiet_ms : UNUSED_MS;
	if (!(rows[part].with_tasks ? f->tasks_change : f->stack_changes) || ms > rows[part].quiet_ms)
		return rows[part].quiet_ms;
	return ms < rows[part].changing_ms ? rows[part].changing_ms : ms;
}

static int64_t schedule_wait(const struct schedule *s, int part, const struct schedule_facts *f)
{
	int64_t wait = s->read_ms[part] + schedule_interval(part, f) - f->now_ms;

	return wait > 0 ? wait : 0;
}

unsigned schedule_due(const struct schedule *s, const struct schedule_facts *f)
{
	unsigned due = 0;

	for (int part = 0; f->exists && part < SCHEDULE_PARTS; part++)
		if (schedule_wait(s, part, f) == 0 && (!rows[part].follows || due & rows[part].follows))
			due |= 1u << part;
	return due;
}

int64_t schedule_delay(const struct schedule *s, const struct schedule_facts *f)
{
	int64_t delay = -1;

	for (int part = 0; f->exists && part < SCHEDULE_PARTS; part++) {
		int64_t wait = schedule_wait(s, part, f);

		if (!rows[part].follows && (delay < 0 || wait < delay))
			delay = wait;
	}
	return delay;
}

void schedule_was_read(struct schedule *s, unsigned parts, int64_t now_ms)
{
	for (int part = 0; part < SCHEDULE_PARTS; part++)
		if (parts & 1u << part)
			s->read_ms[part] = now_ms;
}
