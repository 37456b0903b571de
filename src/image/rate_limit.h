/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate_limit.h - what a registry says beside HTTP status 429. Pure.
 *
 * Docker Hub: "ratelimit-limit: 100;w=21600" (pulls in so many seconds), "ratelimit-remaining: 0;w=21600" and
 * "docker-ratelimit-source", an address or an account's id (docs.docker.com/docker-hub/usage/pulls). All of HTTP:
 * Retry-After, in seconds or as a date (RFC 9110 section 10.2.3).
 */
#ifndef VASTFS_IMAGE_RATE_LIMIT_H
#define VASTFS_IMAGE_RATE_LIMIT_H

#include "aws/http.h"

#define RATE_LIMIT_PATIENCE_S 60 /* longer than that nobody is made to wait without a word */

struct rate_limit {
	long limit, window_s, remaining, retry_after_s; /* -1: not said */
	char source[64];				/* "": not said */
};

void rate_limit_read(const struct http_reply *reply, struct rate_limit *ret);

/* Trying again within RATE_LIMIT_PATIENCE_S is of no use. */
bool rate_limit_lasts(const struct rate_limit *l);

/* How long to wait before the next try: what the registry says, at least usual_ms and at most that patience. */
int rate_limit_wait_ms(const struct rate_limit *l, int usual_ms);

/* Says in err's remedy who is limited to what, until when, and what helps. */
void rate_limit_advise(const struct rate_limit *l, struct error *err);

#endif
