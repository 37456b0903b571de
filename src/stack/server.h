/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h - the parts of run-task, restart-task, stop-all-tasks, destroy and deploy that concern the server.
 *
 * All run on the operation thread. They return 0 or a negative errno with a message; those that wait may also return
 * -ECANCELED. op->cluster must be known, and for those that start something op->stack.
 */
#ifndef VASTFS_STACK_SERVER_H
#define VASTFS_STACK_SERVER_H

#include "stack/operation.h"
#include "stack/service.h"

/* What op->cluster has now. Released with server_state_release, also after a failure. */
struct server_state {
	struct service service;
	cJSON *service_reply; /* DescribeServices' */
	cJSON *tasks;	      /* all that ECS lists, also those that have stopped in the last hour */
	cJSON *servers;	      /* of them, the servers that have not stopped, oldest first */
};

/* tasks.c */
int tasks_read(struct operation *op, cJSON **ret_tasks, struct error *err); /* also those that have stopped */
/* Tells live tasks of an array to stop, and waits until all of them have stopped. */
int tasks_stop(struct operation *op, const cJSON *tasks, struct error *err);
int tasks_describe(struct operation *op, const char *arn, cJSON **ret_task, struct error *err); /* NULL: not listed */

/* server_state.c */
int server_state_read(struct operation *op, struct server_state *ret, struct error *err);
void server_state_release(struct server_state *s);
static inline void server_state_release_cleanup(struct server_state *s)
{
	server_state_release(s);
}
#define _server_state_ _cleanup_(server_state_release_cleanup)

/* server_service.c: the service. All but service_open leave one that is not ours alone. */
int service_open(struct operation *op, const struct server_state *s, struct error *err); /* a task is to run */
int service_close(struct operation *op, const struct service *s, struct error *err);	 /* no task is to run */
int service_narrow(struct operation *op, struct error *err);				 /* one task, as it is */
int service_delete(struct operation *op, struct error *err);				 /* does not wait */
int service_wait_gone(struct operation *op, struct error *err);
/* -EBUSY: the cluster has services that vastfs did not create, which would keep it from being deleted. */
int service_refuse_foreign(struct operation *op, struct error *err);
/* The digest of the image that the service would start next is appended to used, an array of strings. */
int service_add_image(struct operation *op, cJSON *used, struct error *err);

/* server_wait.c: until a server answers, as far as ECS knows. */
struct server_wait {
	char id[64];	    /* the task that is waited for */
	bool checks_health; /* its task definition has a health check */
	int64_t running_ms; /* monotonic: when it was first seen RUNNING; 0: not yet */
	int64_t closed_ms;  /* monotonic: since when the service has neither a task nor is to have one; 0: it has */
	char event[64];	    /* ID of the service's newest event that was reported */
	cJSON *reported;    /* IDs of tasks whose end was reported */
	double after;	    /* servers that were created later are waited for */
	char reason[512];   /* why a standalone task stopped, "" while it has not */
	char endpoint[128]; /* once it answers */
};
int server_wait_service(struct operation *op, struct server_wait *w, struct error *err);
int server_wait_task(struct operation *op, struct server_wait *w, struct error *err); /* of w->id */
void server_wait_release(struct server_wait *w);

/* server_log.c: the last lines of a task's log into operation.log, and the very last ones into out. */
void server_log_tail(struct operation *op, const char *task_id, struct buf *out);

/* server_check.c: what would keep a new server from starting; nothing is changed. */
int server_check_startable(struct operation *op, struct error *err);

/* server_start.c: starts a server, or joins one that was created after that time, until it answers. */
int server_start(struct operation *op, double after, struct error *err);
/* The reason is that a new mount target's name does not resolve yet, which it will. */
bool server_is_too_early(struct operation *op, const char *reason);

/* server.c: the service and all tasks are stopped, and the service is gone */
int server_remove(struct operation *op, struct error *err);
/* Whether a task of the cluster has not stopped, or the service is to have one. */
int server_is_used(struct operation *op, bool *ret, struct error *err);
/* For deploy's result: whether the server is outdated, or none runs. */
int server_put_advice(struct operation *op, struct error *err);

#endif
