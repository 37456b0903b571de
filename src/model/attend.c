/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attend.c - while a process reads in tasks/, the service is polled every second.
 *
 * Polling all parts of the stack that often would cost six calls a second. DescribeServices is one call, and its counts
 * and its newest event change with every task that starts or ends. Everything is read only after such a change.
 */
#include "aws/services/ecs.h"
#include "base/clock.h"
#include "model/internal.h"

#include <string.h>

#define ATTENTION_MS 3000 /* how long the polling continues after a read */
#define EVERY_MS     1000
/* While nothing changes, this many polls may follow each other, then one in each COST_MS: 37 in an hour. */
#define BURST	30
#define COST_MS 480000

struct attend {
	struct model *model;
	_Atomic int64_t until_ms; /* monotonic */
	_Atomic bool running;	  /* a tick is scheduled on the engine */

	/* engine thread */
	struct engine_timer timer;
	int64_t paid_ms;    /* monotonic: the polls so far have used the budget up to this time */
	int64_t changed_ms; /* changed_ms of the tasks at the last poll */
	char seen[128];	    /* the service's state at the last poll; "": not polled yet */
};

static void attend_tick(void *arg);

/* The parts of the reply that change when a task starts or ends: the counts and the newest event. */
static void attend_summarize(const cJSON *reply, char out[static 128])
{
	snprintf(out, 128, "%.0f %.0f %s", aws_number(reply, "services.0.runningCount", 0),
		 aws_number(reply, "services.0.pendingCount", 0), service_last_event_id(reply));
}

static void attend_next(struct attend *a)
{
	engine_timer_set(a->model->engine, &a->timer, EVERY_MS, attend_tick, a);
}

static void attend_answered(struct aws_reply *reply, void *arg)
{
	struct attend *a = arg;
	char now[sizeof(a->seen)];

	if (reply->error.errnum == -ECANCELED)
		return;
	if (!error_is(&reply->error)) {
		attend_summarize(reply->body, now);
		if (strcmp(now, a->seen) != 0)
			watch_now(a->model, NULL, NULL);
		memcpy(a->seen, now, sizeof(now));
	}
	attend_next(a);
}

/* Whether the budget of an hour allows another poll. After a change the budget starts again. */
static bool attend_may_ask(struct attend *a, const struct snapshot *s)
{
	int64_t now_ms = clock_monotonic_ms();

	if (a->changed_ms != s->tasks->changed_ms || a->paid_ms < now_ms)
		a->paid_ms = now_ms;
	a->changed_ms = s->tasks->changed_ms;
	if (a->paid_ms - now_ms > (BURST - 1) * (int64_t)COST_MS)
		return false;
	a->paid_ms += COST_MS;
	return true;
}

static bool attend_ask(struct attend *a)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(a->model);
	const char *cluster = stack_view_output(s->stack, "ClusterName");
	struct aws *aws = model_aws(a->model);
	struct aws_request *request = NULL;
	bool asked;

	if (aws && cluster && service_is_wanted(&s->service) && attend_may_ask(a, s))
		request = ecs_describe_service(cluster, SERVICE_NAME);
	if (request)
		request->quiet = true;
	asked = request && aws_start(aws, request, attend_answered, a);
	aws_unref(aws);
	return asked;
}

static void attend_tick(void *arg)
{
	struct attend *a = arg;

	if (clock_monotonic_ms() > atomic_load(&a->until_ms)) {
		a->seen[0] = '\0';
		atomic_store(&a->running, false);
		return;
	}
	if (!attend_ask(a))
		attend_next(a);
}

void model_attend_tasks(struct model *m)
{
	struct attend *a = m->attend;

	atomic_store(&a->until_ms, clock_monotonic_ms() + ATTENTION_MS);
	if (!atomic_exchange(&a->running, true) && engine_post(m->engine, attend_tick, a) < 0)
		atomic_store(&a->running, false);
}

int attend_new(struct model *m, struct attend **ret)
{
	struct attend *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->model = m;
	*ret = a;
	return 0;
}

/* The engine has stopped. */
void attend_free(struct attend *a)
{
	free(a);
}
