/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan_text.h - the lines that a plan from memory (plan.h) and one from a change set (plan_changes.h) have in common.
 *
 * Pure; any thread. Functions return 0, or the negative errno of out.
 */
#ifndef VASTFS_STACK_PLAN_TEXT_H
#define VASTFS_STACK_PLAN_TEXT_H

#include "base/buf.h"
#include "stack/cost.h"

#include <cjson/cJSON.h>

/* Effects on a resource, as a plan names them. */
#define PLAN_CREATES	 "creates"
#define PLAN_UPDATES	 "updates"
#define PLAN_REPLACES	 "replaces"
#define PLAN_MAY_REPLACE "perhaps replaces"
#define PLAN_REMOVES	 "removes"

/* Whether the effect removes the existing resource, or may remove it. */
bool plan_is_loss(const char *effect);

/* "    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory"; causes NULL or "": none. */
int plan_put_resource(struct buf *out, const char *effect, const char *id, const char *type, const char *causes);

/* Appends a line that says what the effect on a resource of this type interrupts; nothing if it interrupts nothing. */
int plan_put_interruption(struct buf *out, const char *effect, const char *type);

/*
 * Appends the consequences for a running server. guarded: a resource that it depends on is lost; outdated: its task
 * definition changes.
 */
int plan_put_server(struct buf *out, bool guarded, bool outdated);

/* "    server_memory: 4096 -> 8192 (parameter ServerMemory)" for each name in names, an array of texts. */
int plan_put_settings(struct buf *out, const cJSON *names, const cJSON *wanted, const cJSON *deployed);

/*
 * Appends the estimated cost: totals, items, and the difference to the present cost. now NULL: the present cost is not
 * known.
 */
int plan_put_cost(struct buf *out, const struct cost *planned, const struct cost *now);

#endif
