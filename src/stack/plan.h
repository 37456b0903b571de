/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.h - writes the text of stack/plan: what a deploy would change, computed without asking AWS.
 *
 * Pure; any thread. One of
 *	nothing is deployed: deploy would create 25 resources	and a line for each
 *	up to date
 *	settings that differ from what is deployed		and a line for each
 *	    server_memory: 4096 -> 8192 (parameter ServerMemory)
 *	deploy would change 1 resource				and a line for each
 *	    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory
 * and, where they apply, lines about interruptions and about values that are not known before the deploy, and reasons
 * why deploy would refuse.
 */
#ifndef VASTFS_STACK_PLAN_H
#define VASTFS_STACK_PLAN_H

#include "base/buf.h"

#include <cjson/cJSON.h>

struct plan {
	const char *stack_name;
	const char *stack_status; /* "" or NULL: there is no stack */
	const cJSON *wanted;	  /* template_parameters(); null: the value is not known before the deploy */
	const cJSON *deployed;	  /* the stack's Parameters; used if the stack can be updated */
	const cJSON *outputs;	  /* Outputs of the stack */
};

/* 0, -ENOMEM, or -EFBIG if out cannot hold it. */
int plan_write(const struct plan *p, struct buf *out);

#endif
