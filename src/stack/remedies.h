/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remedies.h - what to do about failures that AWS words badly, as data.
 *
 * Pure. A row matches by AWS's code, by a part of its words, or both; texts of CloudFormation's events, of stopped
 * tasks and of failed calls are looked up alike.
 */
#ifndef VASTFS_STACK_REMEDIES_H
#define VASTFS_STACK_REMEDIES_H

#include "base/error.h"

struct remedy {
	const char *code;    /* NULL: any */
	const char *pattern; /* part of the words; NULL: any */
	const char *text;    /* a sentence for people */
	bool retry_once;     /* IAM's slowness in a fresh account: a first create that fails so is done once more */
};

/* The first row that matches, NULL if none does. code and words may be "". */
const struct remedy *remedy_find(const char *code, const char *words);

/* Adds the remedy to an error that has none. True if it is one of those that are worth one more try. */
bool remedy_apply(struct error *err);

#endif
