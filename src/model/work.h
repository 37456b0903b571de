/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h - an operation between its acceptance (accept.c) and its end on the operation thread (runner.c).
 */
#ifndef VASTFS_MODEL_WORK_H
#define VASTFS_MODEL_WORK_H

#include "model/internal.h"

struct work {
	struct list link;
	const struct verb *verb;
	struct job *job;
	struct settings *settings;  /* the settings with which it was accepted */
	struct aws *aws;	    /* the client for these settings */
	struct journal_entry entry; /* its journal entry */
	struct aws_cancel_token *cancel, *stop;
	bool resumed;
};

void work_free(struct work *work);
DEFINE_CLEANUP(struct work *, work_free)

/* Queues the work and takes it over. */
void runner_enqueue(struct runner *o, struct work *work);

#endif
