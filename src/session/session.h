/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.h - a session of ECS Exec: ecs:ExecuteCommand, the data channel over a WebSocket, ssm:ResumeSession when the
 * connection breaks, kms:GenerateDataKey if the cluster encrypts sessions.
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
	const char
		*target; /* ecs:<cluster>_<task ID>_<runtime ID of the container>: part of the KMS encryption context */
	const char *command; /* split into words like a shell does, but run without a shell */
	unsigned columns, rows;
	bool stays; /* keep the session alive without input: the service ends it after 20 minutes of silence */
};

struct session_events {
	/* The agent in the container does not answer yet; the request is repeated for 60 s at most. */
	void (*waiting)(const struct error *why, void *arg);
	void (*ready)(void *arg);
	void (*output)(const void *data, size_t len, void *arg);
	void (*writable)(void *arg); /* called after session_write() has accepted only a part: more is accepted now */
	/*
	 * The last event, once; the session is freed after it. errnum 0: the command has ended, or the service has
	 * ended the session; then message has its reason.
	 */
	void (*closed)(const struct error *why, void *arg);
};

struct session;

/* NULL without memory. */
struct session *session_start(struct engine *e, const struct session_request *request,
			      const struct session_events *events, void *arg);

/* Returns the number of bytes accepted: 0 before ready. */
size_t session_write(struct session *s, const void *data, size_t len);
void session_resize(struct session *s, unsigned columns, unsigned rows);

/* Stops reading: the service then stores the output of the command. Data in transit still arrives. */
void session_pause(struct session *s, bool paused);

/* Ends the command in the container. closed() follows within 5 s. */
void session_terminate(struct session *s);

/* Frees the session without ending the command; no event is called afterwards. NULL is allowed. May be called in any
 * callback. */
void session_free(struct session *s);

#endif
