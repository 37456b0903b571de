/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * round.h - one poll of AWS: the requests that read parts of the stack. watch.c makes rounds on the engine thread.
 *
 *   DescribeStacks -> ListChangeSets (in review only, to see who created it)
 *                  -> DescribeStackResources (if the stack's record has changed)
 *                  -> GetFunctionConfiguration
 *                  -> DescribeFileSystems
 *   ListTasks (running, stopped) -> DescribeTasks... (if a list has changed)
 *   DescribeServices
 *
 * A call that the credentials may not make does not fail the round: its part is missing, and the other calls continue.
 */
#ifndef VASTFS_MODEL_ROUND_H
#define VASTFS_MODEL_ROUND_H

#include "aws/aws.h"
#include "model/schedule.h"
#include "model/snapshot.h"

enum round_call {
	ROUND_STACKS,
	ROUND_CHANGE_SETS,
	ROUND_RESOURCES,
	ROUND_LISTS,
	ROUND_TASKS,
	ROUND_SERVICES,
	ROUND_FUNCTION,
	ROUND_STORAGE,
	ROUND_CALLS,
};

/* The name of a call's action in IAM, and the file or directory of the tree that shows its reply. */
const char *round_call_action(enum round_call call);
const char *round_call_path(enum round_call call);

/* Data about a stack from earlier rounds, and hashes that show whether it has changed. watch.c owns it. */
struct round_known {
	struct settings *settings; /* settings that name the stack; a reference */
	cJSON *resources, *function;
	char *cluster, *function_name;
	bool foreign;		/* vastfs did not create it */
	bool storage;		/* the size of its file system was read */
	uint64_t record, lists; /* hashes of the stack's record and of the lists of tasks; 0: not read */
};

void round_forget(struct round_known *k);

struct round {
	struct aws *aws;
	struct snapshot *before;
	char name[SETTINGS_STACK_SIZE];
	unsigned parts;		   /* the parts to read, see schedule.h */
	bool all;		   /* read also the parts that seem unchanged */
	struct round_known *known; /* updated by the replies */
	void (*done)(struct round *r, void *arg);
	void *arg;

	unsigned pending, lists_pending; /* calls that are under way */
	bool lists_failed;
	int tasks_asked, tasks_answered; /* numbers of tasks in the requests and in the replies of DescribeTasks */
	cJSON *arns;			 /* ARNs of the tasks, as strings */
	uint64_t lists;

	/* The outcome. */
	cJSON *stacks;	/* DescribeStacks' reply; NULL if it was not read */
	bool gone;	/* there is no such stack */
	cJSON *tasks;	/* tasks of all DescribeTasks replies */
	bool has_tasks; /* all tasks were read */
	cJSON *service;
	bool has_service;
	int64_t storage_bytes; /* size of the file system; -1: there is none */
	bool has_storage;
	bool more_resources, more_tasks;    /* AWS has more than were read */
	struct error error;		    /* the first failure */
	unsigned asked, denied;		    /* bits of enum round_call */
	struct error *denials[ROUND_CALLS]; /* errors of the denied calls; owned */
};

/*
 * Starts a round for the settings of before; known must outlive it. done is called once, perhaps before this returns;
 * it frees the round. False without memory, client or settings: done is not called.
 */
bool round_start(struct aws *aws, struct snapshot *before, unsigned parts, bool all, struct round_known *known,
		 void (*done)(struct round *r, void *arg), void *arg);
void round_free(struct round *r);

#endif
