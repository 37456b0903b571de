/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - the state that the calls of one profile and region share. For src/aws only; on the engine thread after
 * aws_new().
 */
#ifndef VASTFS_AWS_CLIENT_H
#define VASTFS_AWS_CLIENT_H

#include "aws/aws.h"
#include "aws/config.h"
#include "aws/credentials/provider.h"
#include "aws/retry.h"
#include "aws/sign.h"
#include "base/ref.h"

struct aws {
	struct ref ref;
	struct engine *engine;
	struct aws_options options;
	struct stream *api_log;
	struct tally *calls;
	void (*keys_changed)(void *arg); /* the callback of struct aws_config */
	void *keys_changed_arg;
	struct credential_provider *provider;
	struct aws_key_cache keys;
	struct aws_quota quota;
	_Atomic int64_t skew_ms; /* the clock of AWS minus the clock of this machine */
	char user_agent[200];
};

/* Measures the clock skew by the Date header of a reply (RFC 9110 section 6.6.1). */
void aws_client_learn_clock(struct aws *a, const char *date, int64_t wall_ms);

/* Writes the log line of an attempt: time, service, operation, status, code, request ID, milliseconds, attempt. */
void aws_client_log(struct aws *a, const struct aws_request *r, const struct aws_reply *reply, int64_t took_ms,
		    int attempt);

#endif
