/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ownership.h - did vastfs make this stack?
 *
 * A stack is identified by its name, and vast-<stage> is a plausible name for a stack of somebody else. Nothing may be
 * written to a stack, nor to what it contains, unless vastfs made it for this stage. The evidence is the tag
 * vastfs:stage, which CreateChangeSet sets; a stack of an early version without tags has the output TemplateVersion.
 *
 * Pure; any thread. Records are those of DescribeStacks and ListChangeSets.
 */
#ifndef VASTFS_STACK_OWNERSHIP_H
#define VASTFS_STACK_OWNERSHIP_H

#include "base/error.h"

#include <cjson/cJSON.h>

#define STAGE_TAG	  "vastfs:stage"
#define CHANGE_SET_PREFIX "vastfs-" /* of the name of every change set that vastfs makes */

/*
 * Whether the stack was made by vastfs for this stage. A tag of another stage is not outweighed by an output, nor is a
 * parameter Stage that names another one. False for a stack in REVIEW_IN_PROGRESS, which has no tags yet: see
 * stack_review_is_ours.
 */
bool stack_is_ours(const cJSON *stack_record, const char *stage);

/* A stack in REVIEW_IN_PROGRESS is as yet nothing but its change sets: ours if all of them are, and there is one.
 * change_sets: ListChangeSets' reply. */
bool stack_review_is_ours(const cJSON *change_sets);

/* 0 if the stack is ours or does not exist (stack_record NULL), else -EEXIST with message and remedy. */
int stack_check_ours(const cJSON *stack_record, const char *name, const char *stage, struct error *err);

/* The refusal itself, for a stack that was judged before. Always -EEXIST. */
int stack_refuse_foreign(const char *name, const char *stage, struct error *err);

#endif
