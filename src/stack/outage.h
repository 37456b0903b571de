/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outage.h - decides how long an operation waits while AWS cannot be reached. Pure: no network, the caller passes the
 * time.
 *
 * Once AWS has answered an operation, or the operation is resumed after a crash, work may be going on in AWS: the
 * operation then waits up to 15 minutes for an answer. An operation that AWS has never answered gives up after 30 s,
 * because the user can act on the failure. Times are milliseconds of CLOCK_MONOTONIC, which stops while the machine is
 * suspended. A struct outage belongs to the operation thread.
 */
#ifndef VASTFS_STACK_OUTAGE_H
#define VASTFS_STACK_OUTAGE_H

#include "base/error.h"

#include <stdint.h>

#define OUTAGE_LIMIT_MS	      (15 * 60 * INT64_C(1000))
#define OUTAGE_FIRST_LIMIT_MS 30000

/* Zeroed memory: no outage so far. */
struct outage {
	bool begun;	      /* AWS has answered this operation, or has answered it before a crash */
	bool running;	      /* no answer since since_ms */
	int64_t since_ms;     /* when the first call of the running outage failed */
	int64_t pause_ms;     /* the last pause between two tries */
	int64_t outlasted_ms; /* total of all past outages, which no time limit counts */
};

enum outage_advice {
	OUTAGE_NONE,	/* AWS has answered with an error, which the caller handles */
	OUTAGE_BEGINS,	/* wait for pause_ms and try again; this is the outage's first failure */
	OUTAGE_GOES_ON, /* wait for pause_ms and try again */
	OUTAGE_TOO_LONG,
};

/* The owner calls this after a failed request. duration: how long the cause of the failure lasts. */
enum outage_advice outage_failed(struct outage *o, enum error_duration duration, int64_t now_ms);

/*
 * The owner calls this when AWS has answered, even with an error. Returns how long the outage that ends now has lasted,
 * 0 if there was none.
 */
int64_t outage_answered(struct outage *o, int64_t now_ms);

#endif
