/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service.h - the ECS service that keeps the server running, as DescribeServices reports it. Pure.
 *
 * vastfs makes it by API, outside of the template, so that a deploy never restarts the server. It is found by its name
 * in the stack's own cluster and is vastfs's only if it has the tag vastfs:stage of this stage. Its second tag holds
 * the creation time (AWS's, seconds) of the newest task that the service had when it was started last: only later ones
 * count for the decision whether the server crashes again and again.
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
	SERVICE_NONE,	  /* there is none, or it is INACTIVE: the name can be used again */
	SERVICE_ACTIVE,	  /* starts and stops tasks so that there are as many as desired */
	SERVICE_DRAINING, /* deleted; its tasks are being stopped */
};

/* A plain value. */
struct service {
	enum service_state state;
	bool ours;
	unsigned desired;
	double after;
	char arn[SERVICE_ARN_SIZE];
	char definition[SERVICE_ARN_SIZE]; /* of the task that it starts next */
};

/* reply: of DescribeServices for SERVICE_NAME; NULL is like none. */
struct service service_parse(const cJSON *reply, const char *stage);

/* It is there, ours, and to have a task. */
bool service_is_wanted(const struct service *s);

/* -EEXIST with a message if there is one of that name that is not ours. */
int service_check_ours(const struct service *s, struct error *err);

/*
 * What the service has reported since the event of that ID, newest first: up to max messages into out. seen "": all.
 * Returns how many. The strings are the reply's.
 */
unsigned service_new_events(const cJSON *reply, const char *seen, const char **out, unsigned max);
const char *service_last_event_id(const cJSON *reply); /* "" if there is none */

#endif
