/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view.h - the stack and its tasks as AWS last described them, ready to be rendered.
 *
 * A view is immutable and reference-counted; any thread may read it. Every string is either NULL (AWS reports no value)
 * or the text of the tree's file without its newline. The parse functions, which are pure, make views from AWS's
 * replies.
 */
#ifndef VASTFS_STACK_VIEW_H
#define VASTFS_STACK_VIEW_H

#include "base/error.h"
#include "base/ref.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of AWS's lists; beyond them the tree only shows that there is more (aws/aws.h). */
#define VIEW_TASKS_MOST	    10000
#define VIEW_RESOURCES_MOST 1000

struct pair {
	char *key, *value;
};

struct stack_resource {
	char *logical_id, *type, *physical_id, *status, *status_reason, *updated;
};

struct stack_view {
	struct ref ref;
	bool exists;  /* a stack of that name exists (REVIEW_IN_PROGRESS counts) */
	bool foreign; /* it exists, but vastfs did not create it (ownership.h): it must not be changed */
	char *name, *status, *status_reason, *stack_id;
	char *updated;			    /* time of the last update */
	char *drift_status, *drift_checked; /* result and time of CloudFormation's last drift detection */
	char *json;			    /* AWS's record of the stack, pretty, with newline */
	char *function_json;		    /* AWS's record of the function; NULL if there is none */
	struct pair *parameters, *outputs;
	size_t parameters_n, outputs_n;
	struct stack_resource *resources;
	size_t resources_n;
	int64_t changed_ms; /* wall clock time of the last change of the view */
};

struct task {
	char *id; /* the last part of the ARN: the directory's name */
	char *arn, *status, *desired_status, *health, *private_ip, *endpoint, *image, *cpu, *memory, *created, *started,
		*stopped_reason, *stop_code, *exit_code, *json;
	char *task_definition, *log_stream;
	char *group;		      /* ECS's group: "service:<name>" or "family:<name>" */
	char *container, *runtime_id; /* these belong to the server's container, as do image, health and exit_code; see
					 container.h */
	char *foreign_failure;	      /* a container that others injected and that could not start, as a sentence */
	int64_t created_ms, changed_ms; /* wall clock */
	bool server;			/* a task of the stack's own task definition family */
	bool exec_enabled;		/* the task was started with ECS Exec */
	bool arm64;			/* its processor is arm64; else it is x86_64 */
	unsigned disk_gib;		/* size of its ephemeral storage; 0: Fargate's default */
};

struct task_list {
	struct ref ref;
	size_t n;
	struct task *tasks;	   /* newest first */
	const struct task **by_id; /* the tasks sorted by ID, for task_list_find */
	int64_t changed_ms;	   /* wall clock time when a task last appeared or disappeared */
};

/*
 * Makes a view from the replies of DescribeStacks (NULL: there is no stack), DescribeStackResources (may be NULL) and
 * GetFunctionConfiguration (may be NULL). foreign: the caller's decision by ownership.h. If nothing differs from the
 * previous view `before` (may be NULL), changed_ms is copied from it.
 */
struct stack_view *stack_view_parse(const char *name, bool foreign, const cJSON *stacks, const cJSON *resources,
				    const cJSON *function, const struct stack_view *before);
struct stack_view *stack_view_ref(struct stack_view *v);
void stack_view_unref(struct stack_view *v);
/*
 * An output, or NULL. vastfs finds the resources that it changes by these outputs, so a foreign stack has no outputs
 * here.
 */
const char *stack_view_output(const struct stack_view *v, const char *key);
const char *stack_view_parameter(const struct stack_view *v, const char *key);			      /* or NULL */
const struct stack_resource *stack_view_resource(const struct stack_view *v, const char *logical_id); /* or NULL */
/* Whether err is CloudFormation's error for a stack that does not exist. */
bool stack_error_is_missing(const struct error *err);
bool stack_view_equal(const struct stack_view *a, const struct stack_view *b);

/*
 * Makes a list from the "tasks" arrays of DescribeTasks. port: the server's port, for the endpoints. family: the task
 * definition family of servers.
 */
struct task_list *task_list_parse(const cJSON *tasks, const char *port, const char *family,
				  const struct task_list *before);
struct task_list *task_list_ref(struct task_list *l);
void task_list_unref(struct task_list *l);
const struct task *task_list_find(const struct task_list *l, const char *id); /* or NULL */
/*
 * The task with that ID, or the only live task whose ID has that prefix. -ENOENT, -ENOTUNIQ.
 */
int task_list_match(const struct task_list *l, const char *prefix, const struct task **ret);
/*
 * The server that queries are sent to if the user has not chosen one: the newest running one that is HEALTHY (a server
 * that waits for the database's lock is RUNNING, too), else the newest running one. NULL if none is running.
 */
const struct task *task_list_default(const struct task_list *l);
bool task_is_live(const struct task *t); /* neither stopping nor stopped */

#endif
