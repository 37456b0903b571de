/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fetch_internal.h - the state and the functions that all kinds of fetch share. Only the fetch files include it.
 *
 * Each kind has a start function, which begins the first exchange. The callback of an exchange begins the next exchange
 * or ends the fetch with fetch_end, fetch_fail or fetch_take. The fetch owns every exchange, call and child process
 * that is in progress, so one function can cancel all of them. Everything runs on the engine thread.
 */
#ifndef VASTFS_AWS_CREDENTIALS_FETCH_INTERNAL_H
#define VASTFS_AWS_CREDENTIALS_FETCH_INTERNAL_H

#include "aws/credentials/fetch.h"
#include "aws/http.h"
#include "aws/transfer.h"

#include <sys/types.h>

#define FETCH_ANSWER_MAX ((size_t)64 << 10) /* maximum size of a source's answer in bytes */

/* The child process of a credential_process source. */
struct fetch_child {
	pid_t pid; /* 0: no process */
	struct engine_socket output, errors, end;
	bool ended; /* the output has ended, or the process was killed */
};

struct credential_fetch {
	struct engine_member member;
	struct aws *aws;
	const struct credential_source *source;
	credential_fetched *done;
	void *arg;
	struct engine_timer timer;
	struct credential_fetch *inner; /* the fetch of a role's source credentials */
	struct aws_credentials keys;	/* a role's source credentials */
	struct aws_call *call;
	struct http_exchange *exchange;
	struct fetch_child child;
	struct buf answer, stderr_text; /* stdout and stderr of a program */
	char *header;			/* contains a secret; a request points to it */
	char *role;			/* the role of the instance */
	cJSON *token;			/* the IAM Identity Center token, in the form of its cache file */
	int attempts;
};

/* The start function of each kind. Returns 0, or a negative errno with a message; fetch.c then ends the fetch. */
int fetch_role_start(struct credential_fetch *f, struct error *err);
int fetch_web_identity_start(struct credential_fetch *f, struct error *err);
int fetch_sso_start(struct credential_fetch *f, struct error *err);
int fetch_process_start(struct credential_fetch *f, struct error *err);
int fetch_container_start(struct credential_fetch *f, struct error *err);
int fetch_instance_start(struct credential_fetch *f, struct error *err);
void fetch_process_release(struct credential_fetch *f);

/* Each of these functions ends and frees the fetch. */
void fetch_end(struct credential_fetch *f, struct aws_credentials *keys);
void fetch_fail(struct credential_fetch *f, const struct error *err);
/* Ends the fetch with the credentials in the answer, or fails if the answer has none. */
void fetch_take(struct credential_fetch *f, const cJSON *answer, const struct aws_credentials_names *names);

/*
 * Makes one AWS call with credentials other than the client's own. as is NULL for an unsigned call. The fetch is the
 * argument of done.
 */
int fetch_call(struct credential_fetch *f, struct aws_request *request, const struct aws_as *as,
	       void (*done)(struct aws_reply *reply, void *arg), struct error *err);

#endif
