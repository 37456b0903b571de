/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - the template as CloudFormation sees it with given parameters, and what a change of parameters changes.
 *
 * Pure. Understands what the template uses: Ref, Fn::Sub and Fn::If of parameters, conditions of Fn::Equals. What
 * refers to resources stays as it is. A forecast for people: the change set decides.
 */
#ifndef VASTFS_STACK_RESOLVE_H
#define VASTFS_STACK_RESOLVE_H

#include <cjson/cJSON.h>

/*
 * {"<LogicalId>": {"Type", "Properties"}, ...}: the resources that there are with these parameters, in the template's
 * order. The caller's to delete; NULL without memory.
 */
cJSON *resolve_template(const cJSON *parameters);

/*
 * {"<LogicalId>": "creates"|"removes"|"replaces"|"updates", ...}: what leads from one set of resources to the other; a
 * replaced resource takes those that refer to it along. The caller's to delete; NULL without memory.
 */
cJSON *resolve_effects(const cJSON *before, const cJSON *after);

#endif
