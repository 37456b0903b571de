/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_policy.h - writes the policies of the file system and of the image repository, which outlive the stack.
 *
 * A missing policy is written, and one that an earlier version of vastfs wrote is replaced. Any other policy was edited
 * by a user: it stays, and the operation's `error` and operation.log say what differs. Operation thread.
 */
#ifndef VASTFS_STACK_OWN_POLICY_H
#define VASTFS_STACK_OWN_POLICY_H

#include "stack/operation.h"

struct own_policy {
	const char *what;	 /* noun phrase for messages: "the policy of the image repository" */
	const char *consequence; /* clause for messages about missing entries: "Lambda may not be able to pull ..." */
	const char *console;	 /* the place where a user deletes it: "the EFS console (File system policy)" */
	const char *command;	 /* the AWS CLI's command that deletes it, without the name */
	const char *absent_code; /* AWS's error code for a missing policy */
	const char *member;	 /* the member of the reply that has the policy's text */
	const char *const *versions; /* the policy that vastfs writes and those that earlier versions wrote, newest
					first, NULL at the end */
	struct aws_request *(*get)(const char *name);
	struct aws_request *(*put)(const char *name, const char *text);
};

/* name: the repository's name or the file system's ID. Returns 0 or a negative errno with a message. */
int own_policy_ensure(struct operation *op, const struct own_policy *policy, const char *name, struct error *err);

#endif
