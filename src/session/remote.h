/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remote.h - a program at work in a container: a session (session.h) whose terminal is read as a command (command.h).
 *
 * All functions and callbacks run on the engine thread.
 */
#ifndef VASTFS_SESSION_REMOTE_H
#define VASTFS_SESSION_REMOTE_H

#include "session/command.h"
#include "session/session.h"

struct remote_events {
	/* The agent in the container does not answer yet. */
	void (*waiting)(const struct error *why, void *arg);
	/* Input is taken. missing: what the container lacks, so that the output passes a terminal; "" if nothing. */
	void (*ready)(const char *missing, void *arg);
	void (*output)(bool is_stderr, const void *data, size_t len, void *arg);
	void (*drained)(void *arg); /* all input so far is on its way */
	/*
	 * Once, the last; it is freed behind it. errnum 0: the program has ended with status. -EIO, -EBADMSG: it was
	 * broken off, or output is missing; else why it could not be run.
	 */
	void (*ended)(int status, const struct error *why, void *arg);
};

struct remote;

/* request's command is of no use: it follows from kind. NULL without memory. */
struct remote *remote_start(struct engine *e, enum command_kind kind, const struct session_request *request,
			    const struct remote_events *events, void *arg);

/* Input: a job's or script's program, a shell's keystrokes. After ready. -EFBIG, -EINVAL: see command.h; -ENOMEM. */
int remote_write(struct remote *r, const void *data, size_t len);
int remote_write_end(struct remote *r);
bool remote_is_full(const struct remote *r); /* drained() will tell */

void remote_resize(struct remote *r, unsigned columns, unsigned rows);
void remote_pause(struct remote *r, bool paused);

/* ^C, ^\, and the end of the session, if need be: ended() comes within seconds. */
void remote_cancel(struct remote *r);

/* Ends the session and forgets it: ended() is not called. NULL is fine. In any callback. */
void remote_drop(struct remote *r);

/* Only frees, for when the engine has stopped. */
void remote_free(struct remote *r);

#endif
