/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replan.h - the change sets that stack/replan makes, which are never executed.
 *
 * Their names start with a prefix of this installation, so that the next operation of the same installation finds and
 * deletes a change set that was left behind when vastfs was killed. Change sets of colleagues are left alone.
 *
 * Operation thread. Functions return 0 or a negative errno with a message.
 */
#ifndef VASTFS_STACK_REPLAN_H
#define VASTFS_STACK_REPLAN_H

#include "stack/operation.h"

/* Whether a change set with this name was made for a plan of this installation. */
bool replan_made(const struct operation *op, const char *change_set);

/*
 * Deletes the change sets of earlier plans of this installation from op->stack (NULL: there are none). Those in an
 * empty stack stay, because without a change set it would count as foreign; they end with the stack or with its first
 * deploy.
 */
int replan_remove_leftovers(struct operation *op, struct error *err);

#endif
