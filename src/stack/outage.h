/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outage.h - how long an operation waits for AWS to answer again. Decisions only: no network, no clock of its own.
 *
 * An operation that has once been answered, or that is taken up again after a crash, has work going on in AWS: it
 * outlasts 15 minutes without an answer. One that has not begun gives up after half a minute, for its caller can do
 * something about it. Times are milliseconds of CLOCK_MONOTONIC, which stands still while the machine is suspended.
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
	int64_t outlasted_ms; /* by all past outages together: no limit of waiting counts it */
};

enum outage_advice {
	OUTAGE_NONE,	/* the failure is an answer: it is the caller's */
	OUTAGE_BEGINS,	/* wait for pause_ms and try again; this is the outage's first failure */
	OUTAGE_GOES_ON, /* wait for pause_ms and try again */
	OUTAGE_TOO_LONG,
};

/* A call has failed, which lasts as long as duration says. */
enum outage_advice outage_failed(struct outage *o, enum error_duration duration, int64_t now_ms);

/* AWS has answered, with whatever. How long the outage that ends with this has lasted, 0 if there was none. */
int64_t outage_answered(struct outage *o, int64_t now_ms);

#endif
