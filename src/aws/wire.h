/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h - makes the HTTP request of a call: URL, signed headers, body. Pure: the caller passes time and keys.
 */
#ifndef VASTFS_AWS_WIRE_H
#define VASTFS_AWS_WIRE_H

#include "aws/config.h"
#include "aws/protocol/protocol.h"
#include "aws/sign.h"

#define AWS_MOST_LINES 24

struct aws_wire_input {
	const struct aws_request *request;
	const char *page_token; /* NULL: the first page */
	const struct aws_endpoint *endpoint;
	struct aws_identity identity; /* key_id NULL: the request is not signed */
	struct aws_key_cache *keys;
	const char *user_agent;	   /* a whole header line, not signed */
	const char *invocation_id; /* the same for all attempts */
	int attempt, most_attempts;
	int64_t wall_ms;
};

struct aws_wire {
	struct aws_message message;
	struct buf url;
	struct buf lines; /* text of the headers, each followed by a NUL; secret, because of the session token */
	const char *headers[AWS_MOST_LINES + 1];
};

/* 0, -ENOMEM, -EINVAL, -E2BIG. The caller frees *ret with aws_wire_free(), also after a failure. */
int aws_wire_make(const struct aws_wire_input *in, struct aws_wire *ret);
void aws_wire_free(struct aws_wire *w);

#endif
