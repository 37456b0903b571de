/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service.h - interprets DescribeServices' record of the ECS service that keeps the server running. Pure; any thread.
 *
 * vastfs creates the service by API, outside the template, so that a deploy never restarts the server. It is found by
 * its name in the stack's own cluster and belongs to vastfs only if it has the tag vastfs:stage of this stage. Its
 * second tag contains the creation time (AWS's, seconds) of the newest task that the service had when it was started
 * last: only newer tasks count as crashes of the present server.
 */
#ifndef VASTFS_STACK_SERVICE_H
#define VASTFS_STACK_SERVICE_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#define SERVICE_NAME	  "vast-server"
#define SERVICE_TAG_STAGE "vastfs:stage"
#define SERVICE_TAG_AFTER "vastfs:started-after"
#define SERVICE_ARN_SIZE  512

enum service_state {
	SERVICE_NONE,	  /* it does not exist, or is INACTIVE: the name can be used again */
	SERVICE_ACTIVE,	  /* ECS keeps the desired number of tasks running */
	SERVICE_DRAINING, /* deleted; its tasks are being stopped */
};

/* A value without pointers; it may be copied. */
struct service {
	enum service_state state;
	bool ours;
	unsigned desired;
	double after;
	char arn[SERVICE_ARN_SIZE];
	char definition[SERVICE_ARN_SIZE]; /* the task definition of the next task that the service starts */
};

/* reply: DescribeServices' for SERVICE_NAME; NULL gives SERVICE_NONE. */
struct service service_parse(const cJSON *reply, const char *stage);

/* Whether the service exists, is ours, and has a desired count above 0. */
bool service_is_wanted(const struct service *s);

/* -EEXIST with a message if a service of that name exists that is not ours. */
int service_check_ours(const struct service *s, struct error *err);

/*
 * Stores the messages of events newer than the event with ID seen ("": all) in out, newest first, at most max. Returns
 * their number. The strings belong to the reply.
 */
unsigned service_new_events(const cJSON *reply, const char *seen, const char **out, unsigned max);
const char *service_last_event_id(const cJSON *reply); /* "" if there are no events */

#endif
