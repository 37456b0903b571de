/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h - an operation on its way from its acceptance (accept.c) to the operation thread (runner.c).
 */
#ifndef VASTFS_MODEL_WORK_H
#define VASTFS_MODEL_WORK_H

#include "model/internal.h"

struct work {
	struct list link;
	const struct verb *verb;
	struct job *job;
	struct settings *settings;  /* that it was accepted with */
	struct aws *aws;	    /* likewise */
	struct journal_entry entry; /* as it is in the journal */
	struct aws_cancel_token *cancel, *stop;
	bool resumed;
};

void work_free(struct work *work);
DEFINE_CLEANUP(struct work *, work_free)

/* Takes work. */
void runner_enqueue(struct runner *o, struct work *work);

#endif
