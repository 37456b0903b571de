/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_changes.h - writes the text of a plan from a change set: what CloudFormation would do, resource by resource.
 *
 * Pure; any thread. Source: CloudFormation API Reference, DescribeChangeSet with IncludePropertyValues, ResourceChange,
 * ResourceChangeDetail and ResourceTargetDefinition.
 */
#ifndef VASTFS_STACK_PLAN_CHANGES_H
#define VASTFS_STACK_PLAN_CHANGES_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/*
 * Appends
 *	deploy would change 1 resource
 *	    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory
 *	        Memory: 4096 -> 8192 (replaces the resource)
 * change_set: DescribeChangeSet's reply, all pages. 0 or a negative errno: -ENOMEM, -EFBIG.
 */
int plan_put_changes(struct buf *out, const cJSON *change_set);

#endif
