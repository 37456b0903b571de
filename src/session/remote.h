/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remote.h - runs a program in a container: a session (session.h) whose terminal carries a command (command.h).
 *
 * All functions and callbacks run on the engine thread.
 */
#ifndef VASTFS_SESSION_REMOTE_H
#define VASTFS_SESSION_REMOTE_H

#include "session/command.h"
#include "session/session.h"

struct remote_events {
	/* The agent in the container does not answer yet; may be called many times. */
	void (*waiting)(const struct error *why, void *arg);
	/* Input is accepted. missing: tools that the container lacks, so that the output is plain; "" if none. */
	void (*ready)(const char *missing, void *arg);
	void (*output)(bool is_stderr, const void *data, size_t len, void *arg);
	void (*drained)(void *arg); /* all input so far has been sent */
	/*
	 * The last event, once; the remote is freed after it. errnum 0: the program has exited with status. -EIO: it
	 * was interrupted; -EBADMSG: output is missing; other errors: why the program could not be run.
	 */
	void (*ended)(int status, const struct error *why, void *arg);
};

struct remote;

/* The command of the request is ignored: kind determines it. NULL without memory. */
struct remote *remote_start(struct engine *e, enum command_kind kind, const struct session_request *request,
			    const struct remote_events *events, void *arg);

/* Sends the program of a job or script, or keystrokes for a shell. After ready. -EFBIG, -EINVAL: see command.h;
 * -ENOMEM. */
int remote_write(struct remote *r, const void *data, size_t len);
int remote_write_end(struct remote *r);
bool remote_is_full(const struct remote *r); /* wait for drained() before the next write */

void remote_resize(struct remote *r, unsigned columns, unsigned rows);
void remote_pause(struct remote *r, bool paused);

/* Sends ^C, then ^\, then ends the session, 2 s apart, until the program ends: ended() follows within 15 s. */
void remote_cancel(struct remote *r);

/* Ends the session; no event is called any more. NULL is allowed. May be called in any callback. */
void remote_drop(struct remote *r);

/* Frees the memory without ending the session: only after the engine has stopped. */
void remote_free(struct remote *r);

#endif
