/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_document.h - what a JSON policy means, whatever it looks like.
 *
 * AWS returns a policy in another form than it was written in: with its members in another order, a list of one entry
 * as a single value, the number of an account as the ARN of its root user. So policies are compared by their entries
 * (the statements of an access policy, the rules of a lifecycle policy) in a canonical form, in which the order of
 * members and lists, Sid, and the case of actions and condition keys do not count.
 * Source: IAM User Guide, "IAM JSON policy elements reference".
 *
 * Pure. What is returned as cJSON belongs to the caller.
 */
#ifndef VASTFS_STACK_POLICY_DOCUMENT_H
#define VASTFS_STACK_POLICY_DOCUMENT_H

#include <cjson/cJSON.h>

/* Two arrays of entries, as they are written there. */
struct policy_difference {
	cJSON *missing; /* in ours only */
	cJSON *added;	/* in theirs only */
};

/* 0 or -ENOMEM. A text that is not a policy has no entries. */
int policy_compare(const char *ours, const char *theirs, struct policy_difference *ret);
void policy_difference_release(struct policy_difference *d);

enum policy_state {
	POLICY_ABSENT,	 /* to be written */
	POLICY_CURRENT,	 /* to be left alone */
	POLICY_OUTDATED, /* an earlier version of vastfs wrote it: to be replaced */
	POLICY_EDITED,	 /* somebody else's work: to be reported and left alone */
};

/*
 * What to do about the policy that is there (NULL: none). versions: what vastfs writes and what it once wrote, newest
 * first, NULL at the end. -ENOMEM.
 */
int policy_judge(const char *there, const char *const *versions, enum policy_state *ret);

#endif
