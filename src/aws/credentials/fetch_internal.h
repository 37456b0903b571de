/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fetch_internal.h - what the fetches of the kinds share, for the files of this room only.
 *
 * A kind is a start function: it begins the first exchange, and every exchange ends by beginning the next, or by
 * fetch_end, fetch_fail or fetch_take. Whatever is under way belongs to the fetch, so that cancelling is one function.
 */
#ifndef VASTFS_AWS_CREDENTIALS_FETCH_INTERNAL_H
#define VASTFS_AWS_CREDENTIALS_FETCH_INTERNAL_H

#include "aws/credentials/fetch.h"
#include "aws/http.h"
#include "aws/transfer.h"

#include <sys/types.h>

#define FETCH_ANSWER_MAX ((size_t)64 << 10) /* bytes that a source may answer */

/* A program that runs. */
struct fetch_child {
	pid_t pid; /* 0: none */
	struct engine_socket output, errors, end;
	bool ended; /* its output has ended, or it was killed */
};

struct credential_fetch {
	struct engine_member member;
	struct aws *aws;
	const struct credential_source *source;
	credential_fetched *done;
	void *arg;
	struct engine_timer timer;
	struct credential_fetch *inner; /* of the role's own source */
	struct aws_credentials keys;	/* of the role's own source */
	struct aws_call *call;
	struct http_exchange *exchange;
	struct fetch_child child;
	struct buf answer, stderr_text; /* of a program */
	char *header;			/* with a secret; a request points to it */
	char *role;			/* of the instance */
	cJSON *token;			/* of IAM Identity Center, as in its cache */
	int attempts;
};

/* The starts of the kinds: 0, or a negative errno with a message; then fetch.c ends the fetch. */
int fetch_role_start(struct credential_fetch *f, struct error *err);
int fetch_web_identity_start(struct credential_fetch *f, struct error *err);
int fetch_sso_start(struct credential_fetch *f, struct error *err);
int fetch_process_start(struct credential_fetch *f, struct error *err);
int fetch_container_start(struct credential_fetch *f, struct error *err);
int fetch_instance_start(struct credential_fetch *f, struct error *err);
void fetch_process_release(struct credential_fetch *f);

/* Each ends and frees the fetch. */
void fetch_end(struct credential_fetch *f, struct aws_credentials *keys);
void fetch_fail(struct credential_fetch *f, const struct error *err);
/* With the keys in an answer, or because they are not there. */
void fetch_take(struct credential_fetch *f, const cJSON *answer, const struct aws_credentials_names *names);

/* One AWS call in another name than the client's: as (may be NULL: unsigned). done gets the fetch. */
int fetch_call(struct credential_fetch *f, struct aws_request *request, const struct aws_as *as,
	       void (*done)(struct aws_reply *reply, void *arg), struct error *err);

#endif
