/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_policy.h - the policies that vastfs writes on what outlives the stack: the file system and the image repository.
 *
 * They are written where there is none and replaced where an earlier version of vastfs wrote them. Whatever else is
 * there is somebody's decision: it stays, and the operation's `error` and operation.log say what differs.
 */
#ifndef VASTFS_STACK_OWN_POLICY_H
#define VASTFS_STACK_OWN_POLICY_H

#include "stack/operation.h"

struct own_policy {
	const char *what;	     /* for people: "the policy of the image repository" */
	const char *consequence;     /* what may not work without our entries: "Lambda may not be able to pull ..." */
	const char *remove;	     /* the AWS CLI's command that deletes it, without the name */
	const char *absent_code;     /* AWS's code for "there is none" */
	const char *member;	     /* of the reply that has the text */
	const char *const *versions; /* what vastfs writes and once wrote, newest first, NULL at the end */
	struct aws_request *(*get)(const char *name);
	struct aws_request *(*put)(const char *name, const char *text);
};

/* name: of the repository, id of the file system. */
int own_policy_ensure(struct operation *op, const struct own_policy *policy, const char *name, struct error *err);

#endif
