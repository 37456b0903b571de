/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scripted.h - a model without a network, for tests. The engine and aws_start() are replaced by the linker (--wrap):
 * each call to AWS gets the reply that the test has written for its operation, and everything that the engine's thread
 * would do happens in script_settle(), on the test's thread. So no test waits.
 */
#ifndef VASTFS_TEST_SCRIPTED_H
#define VASTFS_TEST_SCRIPTED_H

#include "model/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct script {
	char dir[64], config[96];
	struct model *m;
};

/* cmocka's functions. script_setup() writes complete settings of the stage "prod" and deploys its stack. */
int script_setup(void **state);
int script_teardown(void **state);
void script_start(struct script *s); /* starts the model and settles it */
void script_stop(struct script *s);
void script_write(struct script *s, const char *name, const char *text); /* a file below dir */

/*
 * From now on, requests of the operation get this reply. match: only those whose members contain this text; NULL: all.
 * The newest line counts first. script_once() is for one request only.
 */
void script_reply(const char *operation, const char *match, const char *body);
void script_fail(const char *operation, const char *match, const char *code, const char *message);
void script_once(const char *operation, const char *body);
void script_fail_once(const char *operation, const char *code, const char *message);
/*
 * The cluster has this task of the service's server from now on, with more members of DescribeTasks' record:
 * ",\"group\":...". Starts the model, or lets it poll.
 */
void script_task(struct script *s, const char *id, const char *status, const char *more);
void script_poll(struct script *s); /* lets the model read everything */

/* The lists of the next replies are incomplete. */
void script_truncate(bool truncated);
/* The next n calls cannot be started, as without memory. */
void script_refuse_starts(unsigned n);
void script_refuse(const char *operation); /* no call of this operation can be started; NULL: all can */

void script_settle(void);     /* runs until nothing is left to do but timers */
void script_pass(int64_t ms); /* lets time pass in which no timer fires */
void script_fire(
	int64_t ms); /* lets time pass, and fires the timers that were set to at most this delay; then settles */
unsigned script_calls(const char *operation);	/* number of requests so far */
const char *script_last(const char *operation); /* the members of the last request as JSON; "" if there was none */

/*
 * The n-th allocation of this thread fails from now on, once; 0: none. script_allocation_failed() tells whether it was
 * reached.
 */
void script_fail_allocation(unsigned n);
bool script_allocation_failed(void);

/*
 * Sessions in containers (session/remote.h). The test is the container: it calls the events, and reads what was
 * written. A cancelled session stays until the test ends it.
 */
struct remote {
	const struct remote_events *events;
	void *arg;
	struct buf written;
	int result; /* of the next calls of remote_write() */
	bool cancelled, paused, wrote_end, full;
	unsigned columns, rows; /* the last size */
};
struct remote *script_remote(void); /* the newest session; NULL: there is none */
void script_end_remote(int status, const struct error *why);
void script_refuse_remotes(bool refused); /* sessions cannot be started, as without memory */

/* Copies of the newest state, for assertions. The caller frees nothing and uses it before the next call. */
const char *script_error(struct script *s);  /* the text of error */
const char *script_events(struct script *s); /* the text of events.log */

#define SCRIPT_STACK(status, more)                                                                       \
	"{\"Stacks\":[{\"StackId\":\"arn:aws:cloudformation:eu-west-1:111111111111:stack/vast-prod/1\"," \
	"\"StackName\":\"vast-prod\",\"StackStatus\":\"" status "\","                                    \
	"\"Tags\":[{\"Key\":\"vastfs:stage\",\"Value\":\"prod\"}]" more "}]}"
#define SCRIPT_OUTPUTS                                                                                               \
	",\"Outputs\":[{\"OutputKey\":\"ClusterName\",\"OutputValue\":\"cluster\"},"                                 \
	"{\"OutputKey\":\"FunctionName\",\"OutputValue\":\"function\"},"                                             \
	"{\"OutputKey\":\"TemplateVersion\",\"OutputValue\":\"999\"},"                                               \
	"{\"OutputKey\":\"TaskFamily\",\"OutputValue\":\"vast-prod\"},"                                              \
	"{\"OutputKey\":\"TaskDefinitionArn\",\"OutputValue\":\"arn:aws:ecs:eu-west-1:111111111111:task-definition/" \
	"vast-prod:3\"},"                                                                                            \
	"{\"OutputKey\":\"ServerLogGroup\",\"OutputValue\":\"group\"}]"

#endif
