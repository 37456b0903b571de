/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate_limit.h - reads the rate limit in a reply with HTTP status 429. Pure.
 *
 * Docker Hub: "ratelimit-limit: 100;w=21600" (pulls per w seconds), "ratelimit-remaining: 0;w=21600" and
 * "docker-ratelimit-source", an address or an account ID (docs.docker.com/docker-hub/usage/pulls). Every HTTP server:
 * Retry-After, in seconds or as a date (RFC 9110 section 10.2.3).
 */
#ifndef VASTFS_IMAGE_RATE_LIMIT_H
#define VASTFS_IMAGE_RATE_LIMIT_H

#include "aws/http.h"

#define RATE_LIMIT_PATIENCE_S 60 /* vastfs fails with a message instead of waiting longer */

struct rate_limit {
	long limit, window_s, remaining, retry_after_s; /* -1: not in the reply */
	char source[64];				/* "": not in the reply */
};

void rate_limit_read(const struct http_reply *reply, struct rate_limit *ret);

/* Whether the limit lasts longer than RATE_LIMIT_PATIENCE_S, so that a retry within that time would fail. */
bool rate_limit_lasts(const struct rate_limit *l);

/* The wait before the next try: the registry's Retry-After, at least usual_ms and at most RATE_LIMIT_PATIENCE_S. */
int rate_limit_wait_ms(const struct rate_limit *l, int usual_ms);

/* Sets err's remedy: the limit, whom it applies to, when it ends, and how to raise it. */
void rate_limit_advise(const struct rate_limit *l, struct error *err);

#endif
