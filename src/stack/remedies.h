/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remedies.h - a table of remedies for failures that AWS describes badly.
 *
 * Pure; any thread. A row matches AWS's code, a part of its message, or both. Messages of CloudFormation's events, of
 * stopped tasks and of failed calls are looked up alike.
 */
#ifndef VASTFS_STACK_REMEDIES_H
#define VASTFS_STACK_REMEDIES_H

#include "base/error.h"

struct remedy {
	const char *code;    /* NULL: any */
	const char *pattern; /* part of the message; NULL: any */
	const char *text;    /* the remedy, a sentence */
	bool retry_once; /* the cause is IAM's delay with new roles: a first create that fails for it is retried once */
};

/* The first row that matches, NULL if none does. code and message may be "". */
const struct remedy *remedy_find(const char *code, const char *message);

/* Adds the remedy to an error that has none. True if the failure is worth one retry. */
bool remedy_apply(struct error *err);

#endif
