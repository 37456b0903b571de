/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.h - resolves the template for given parameters, and forecasts what a change of parameters changes.
 *
 * Pure; any thread. Supports what the template uses: Ref, Fn::Sub and Fn::If of parameters, conditions of Fn::Equals.
 * References to resources stay as they are. The forecast is only shown to users; deploy relies on the change set.
 */
#ifndef VASTFS_STACK_RESOLVE_H
#define VASTFS_STACK_RESOLVE_H

#include <cjson/cJSON.h>

/*
 * {"<LogicalId>": {"Type", "Properties"}, ...}: the resources that exist with these parameters, in the template's
 * order. The caller deletes the tree; NULL without memory.
 */
cJSON *resolve_template(const cJSON *parameters);

/*
 * {"<LogicalId>": "creates"|"removes"|"replaces"|"updates", ...}: the changes from one set of resources to the other; a
 * replaced resource also changes those that refer to it. The caller deletes the tree; NULL without memory.
 */
cJSON *resolve_effects(const cJSON *before, const cJSON *after);

#endif
