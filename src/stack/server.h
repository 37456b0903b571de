/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h - the parts of run-task, restart-task, stop-all-tasks, destroy and deploy that handle the server.
 *
 * All functions run on the operation thread. They return 0 or a negative errno with a message; those that wait may also
 * return -ECANCELED. op->cluster must be set, and op->stack for those that start something. cJSON trees in *ret belong
 * to the caller.
 */
#ifndef VASTFS_STACK_SERVER_H
#define VASTFS_STACK_SERVER_H

#include "stack/operation.h"
#include "stack/service.h"

/* The service and tasks of op->cluster. Released with server_state_release, also after a failure. */
struct server_state {
	struct service service;
	cJSON *service_reply; /* DescribeServices' reply */
	cJSON *tasks;	      /* all tasks that ECS lists, including those that have stopped in the last hour */
	cJSON *servers;	      /* copies of the servers among them that have not stopped, oldest first */
};

/* tasks.c */
int tasks_read(struct operation *op, cJSON **ret_tasks,
	       struct error *err); /* reads all tasks, also those that have stopped */
/* Stops the live tasks of an array and waits until all its tasks have stopped. */
int tasks_stop(struct operation *op, const cJSON *tasks, struct error *err);
int tasks_describe(struct operation *op, const char *arn, cJSON **ret_task,
		   struct error *err); /* *ret_task NULL: ECS does not list it */

/* server_state.c */
int server_state_read(struct operation *op, struct server_state *ret, struct error *err);
void server_state_release(struct server_state *s);
static inline void server_state_release_cleanup(struct server_state *s)
{
	server_state_release(s);
}
#define _server_state_ _cleanup_(server_state_release_cleanup)

/* server_service.c: the ECS service. All functions but service_open leave a foreign service alone. */
int service_open(struct operation *op, const struct server_state *s,
		 struct error *err); /* sets the desired count to 1; creates the service if it is missing */
int service_close(struct operation *op, const struct service *s, struct error *err); /* sets the desired count to 0 */
int service_narrow(struct operation *op, struct error *err); /* sets the desired count to 1 and changes nothing else */
int service_delete(struct operation *op, struct error *err); /* does not wait for the end of the deletion */
int service_wait_gone(struct operation *op, struct error *err);
/* -EBUSY if the cluster has services that vastfs did not create: they prevent its deletion. */
int service_refuse_foreign(struct operation *op, struct error *err);
/* Appends the digest of the image that the service would start next to used, an array of strings. */
int service_add_image(struct operation *op, cJSON *used, struct error *err);

/* server_wait.c: waits until a server accepts connections, as far as ECS knows. */
struct server_wait {
	char id[64];	    /* the task that is waited for */
	bool checks_health; /* its task definition has a health check */
	int64_t running_ms; /* monotonic: when the task was first seen RUNNING; 0: not yet */
	int64_t closed_ms;  /* monotonic: since when the service has had no task and a desired count of 0; 0: it has a
			     * task
			     */
	char event[64];	    /* ID of the service's newest event that was reported */
	cJSON *reported;    /* IDs of the tasks whose end was reported */
	double after;	    /* servers that were created after this time are waited for */
	char reason[512];   /* why a standalone task stopped, "" while it has not */
	char endpoint[128]; /* set once the server answers */
};
int server_wait_service(struct operation *op, struct server_wait *w, struct error *err);
int server_wait_task(struct operation *op, struct server_wait *w, struct error *err); /* waits for the task w->id */
void server_wait_release(struct server_wait *w);

/* server_log.c: copies the last lines of a task's log to operation.log, and the very last ones to out. */
void server_log_tail(struct operation *op, const char *task_id, struct buf *out);

/* server_check.c: checks whether a new server could start; changes nothing. */
int server_check_startable(struct operation *op, struct error *err);

/* server_start.c: starts a server, or joins one that was created after that time, and waits until it answers. */
int server_start(struct operation *op, double after, struct error *err);
/* Whether a task stopped because the name of a new mount target does not resolve yet, so that a retry helps. */
bool server_is_too_early(struct operation *op, const char *reason);

/* server.c: deletes the service and stops all tasks */
int server_remove(struct operation *op, struct error *err);
/* Whether a task of the cluster has not stopped, or the service has a desired count above 0. */
int server_is_used(struct operation *op, bool *ret, struct error *err);
/* Appends to deploy's result whether the server is outdated, or that none runs. */
int server_put_advice(struct operation *op, struct error *err);

#endif
