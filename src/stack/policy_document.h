/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy_document.h - compares JSON policies by their meaning.
 *
 * AWS returns a policy in another form than it was written in: with its members in another order, a list of one entry
 * as a single value, an account ID as the ARN of its root user. Policies are therefore compared by their entries (the
 * statements of an access policy, the rules of a lifecycle policy) in a canonical form that ignores the order of
 * members and lists, Sid, and the case of actions and condition keys. Source: IAM User Guide, "IAM JSON policy elements
 * reference".
 *
 * Pure; any thread. Returned cJSON trees belong to the caller.
 */
#ifndef VASTFS_STACK_POLICY_DOCUMENT_H
#define VASTFS_STACK_POLICY_DOCUMENT_H

#include <cjson/cJSON.h>

/* Two arrays of entries in their original form. */
struct policy_difference {
	cJSON *missing; /* entries that only our policy has */
	cJSON *added;	/* entries that only the existing policy has */
};

/* 0 or -ENOMEM. A text that is not a policy has no entries. */
int policy_compare(const char *ours, const char *theirs, struct policy_difference *ret);
void policy_difference_release(struct policy_difference *d);

enum policy_state {
	POLICY_ABSENT,	 /* there is no policy: vastfs writes it */
	POLICY_CURRENT,	 /* it has vastfs's entries: it is left alone */
	POLICY_OUTDATED, /* an earlier version of vastfs wrote it: it is replaced */
	POLICY_EDITED,	 /* somebody else changed it: it is reported and left alone */
};

/*
 * Classifies the existing policy (NULL: none). versions: the policy that vastfs writes and those that earlier versions
 * wrote, newest first, NULL at the end. 0 or -ENOMEM.
 */
int policy_judge(const char *there, const char *const *versions, enum policy_state *ret);

#endif
