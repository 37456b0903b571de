/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.h - the text of stack/plan: what a deploy would change, before it is asked of AWS.
 *
 * Pure. One of
 *	nothing is deployed: deploy would create 25 resources	and a line for each
 *	up to date
 *	ServerMemory: 4096 -> 8192				a line for each changed parameter
 *	    replaces TaskDefinition (AWS::ECS::TaskDefinition)	and for each resource that it changes
 * and where they apply, lines about what is not known before the deploy, and why deploy would refuse.
 */
#ifndef VASTFS_STACK_PLAN_H
#define VASTFS_STACK_PLAN_H

#include "base/buf.h"

#include <cjson/cJSON.h>

struct plan {
	const char *stack_name;
	const char *stack_status; /* "" or NULL: there is no stack */
	const cJSON *wanted;	  /* template_parameters; null values become known in the deploy */
	const cJSON *deployed;	  /* Parameters of the stack; looked at if it can be updated */
	const cJSON *outputs;	  /* Outputs of the stack */
};

/* 0, -ENOMEM, or -EFBIG if out cannot hold it. */
int plan_write(const struct plan *p, struct buf *out);

#endif
