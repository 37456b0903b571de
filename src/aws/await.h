/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * await.h - work of the engine that another thread sleeps for.
 *
 * It lives on the sleeper's stack, who leaves only when the engine has done with it.
 */
#ifndef VASTFS_AWS_AWAIT_H
#define VASTFS_AWS_AWAIT_H

#include "aws/aws.h"

struct awaited {
	void (*start)(struct awaited *a);  /* engine thread: begins; awaited_end() follows once, now or later */
	void (*cancel)(struct awaited *a); /* engine thread: awaited_end() has been called when it returns */
	/* guarded by the token's lock */
	struct aws_cancel_token *token;
	bool ended;
	bool cancel_pending; /* a post to the engine is under way */
};

/* Engine thread. */
void awaited_end(struct awaited *a);

/*
 * Any thread but the engine's: sleeps until it has ended. token may be NULL; firing it cancels. 0, whatever came of
 * it; or it was not begun: -ECANCELED (the token was fired before), -ESHUTDOWN, -ENOMEM.
 */
int await(struct engine *e, struct awaited *a, struct aws_cancel_token *token);

#endif
