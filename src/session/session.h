/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - a session of ECS Exec: ecs:ExecuteCommand, the data channel over a WebSocket, ssm:ResumeSession when that
 * breaks, kms:GenerateDataKey where the cluster wants encryption.
 *
 * All functions and callbacks run on the engine thread. Source: Amazon ECS API reference, ExecuteCommand; AWS Systems
 * Manager API reference; aws/session-manager-plugin.
 */
#ifndef VASTFS_SESSION_SESSION_H
#define VASTFS_SESSION_SESSION_H

#include "aws/aws.h"
#include "aws/engine.h"

struct session_request {
	struct aws *aws; /* a reference is taken */
	const char *cluster, *task, *container;
	const char *target;  /* ecs:<cluster>_<task id>_<container's runtime id>; what a key is bound to */
	const char *command; /* is split into words as a shell does, and run without one */
	unsigned columns, rows;
	bool stays; /* is kept alive while it is quiet: the service ends a session after 20 minutes of silence */
};

struct session_events {
	/* The agent in the container does not answer yet; it is asked again, for a minute at most. */
	void (*waiting)(const struct error *why, void *arg);
	void (*ready)(void *arg);
	void (*output)(const void *data, size_t len, void *arg);
	void (*writable)(void *arg); /* more input is taken, where session_write took less than it was given */
	/* Once, the last; it is freed behind it. errnum 0: the command has ended, or the service has ended the session
	 * for a reason that is then in message. */
	void (*closed)(const struct error *why, void *arg);
};

struct session;

/* NULL without memory. */
struct session *session_start(struct engine *e, const struct session_request *request,
			      const struct session_events *events, void *arg);

/* How many bytes were taken: none before ready. */
size_t session_write(struct session *s, const void *data, size_t len);
void session_resize(struct session *s, unsigned columns, unsigned rows);

/* While paused the service must keep what the command prints. What is under way still comes. */
void session_pause(struct session *s, bool paused);

/* Ends the command in the container. closed() comes within seconds. */
void session_terminate(struct session *s);

/* Forgets it; closed() is not called, the command is not ended. NULL is fine. In any callback. */
void session_free(struct session *s);

#endif
