/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * await.h - lets another thread sleep until work on the engine thread has ended.
 *
 * The struct may be on the stack of the sleeping thread, because await() returns only after the engine has finished
 * with it.
 */
#ifndef VASTFS_AWS_AWAIT_H
#define VASTFS_AWS_AWAIT_H

#include "aws/aws.h"

struct awaited {
	void (*start)(struct awaited *a); /* engine thread: starts the work; awaited_end() follows once, now or later */
	void (*cancel)(struct awaited *a); /* engine thread: must call awaited_end() before it returns */
	/* The following members are guarded by the lock of the token. */
	struct aws_cancel_token *token;
	bool ended;
	bool cancel_pending; /* a cancellation has been posted to the engine */
};

/* Engine thread. */
void awaited_end(struct awaited *a);

/*
 * Sleeps until the work has ended, so the engine's thread must not call it. Firing the token (may be NULL) cancels the
 * work. 0: the work was started and has ended, with any result. Otherwise it was not started: -ECANCELED (the token had
 * been fired), -ESHUTDOWN, -ENOMEM.
 */
int await(struct engine *e, struct awaited *a, struct aws_cancel_token *token);
/* Returns the message for an error of await(). */
const char *await_explain(int r);

#endif
