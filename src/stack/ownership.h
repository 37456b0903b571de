/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ownership.h - decides whether vastfs created a stack.
 *
 * A stack is identified by its name, and somebody else may have a stack named vast-<stage>. Nothing may be written to a
 * stack, nor to its resources, unless vastfs created it for this stage. The evidence is the tag vastfs:stage, which
 * CreateChangeSet sets; a stack of an early version without tags has the output TemplateVersion.
 *
 * Pure; any thread. Records are those of DescribeStacks and ListChangeSets.
 */
#ifndef VASTFS_STACK_OWNERSHIP_H
#define VASTFS_STACK_OWNERSHIP_H

#include "base/error.h"

#include <cjson/cJSON.h>

#define STAGE_TAG	  "vastfs:stage"
#define CHANGE_SET_PREFIX "vastfs-" /* prefix of the name of every change set that vastfs creates */

/*
 * Whether vastfs created the stack for this stage. A tag or a parameter Stage that names another stage counts more than
 * an output. False for a stack in REVIEW_IN_PROGRESS, which has no tags yet: see stack_review_is_ours.
 */
bool stack_is_ours(const cJSON *stack_record, const char *stage);

/* Whether vastfs created a stack in REVIEW_IN_PROGRESS, which has only change sets: true if there is one and all are
 * vastfs's. change_sets: ListChangeSets' reply. */
bool stack_review_is_ours(const cJSON *change_sets);

/* 0 if the stack is ours or does not exist (stack_record NULL), else -EEXIST with message and remedy. */
int stack_check_ours(const cJSON *stack_record, const char *name, const char *stage, struct error *err);

/* Fills err with the refusal of a stack that is not ours. Always returns -EEXIST. */
int stack_refuse_foreign(const char *name, const char *stage, struct error *err);

#endif
