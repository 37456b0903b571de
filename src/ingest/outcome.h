/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outcome.h - what an invocation means for its batch, how fast to go on, and what is reported. Pure.
 */
#ifndef VASTFS_INGEST_OUTCOME_H
#define VASTFS_INGEST_OUTCOME_H

#include "base/buf.h"
#include "ingest/ingest.h"

#define PACE_WINDOW_MAX 8 /* invocations at a time */

enum outcome {
	OUTCOME_DELIVERED,
	OUTCOME_DOUBTED,     /* the command failed: because of the events, or because the server is gone? Ask it. */
	OUTCOME_TOO_LARGE,   /* Lambda does not take it */
	OUTCOME_THROTTLED,   /* not started; AWS has other things to do */
	OUTCOME_LOST,	     /* it may have been delivered: send it again */
	OUTCOME_BLOCKED,     /* refused before it started; passes when somebody does something, or by itself */
	OUTCOME_OLD_RUNTIME, /* the function ignores the events */
};

struct outcome_facts {
	bool answered;	      /* the command ran to its end: the next two count */
	int exit_code;	      /* of the command */
	int64_t stdin_bytes;  /* written into the command's stdin; -1: the runtime does not know of stdin */
	bool function_failed; /* Lambda says that the function failed: a timeout, out of memory */
	bool not_started;     /* AWS has proved that the command did not start, and it may be sent again */
	bool sent;	      /* the request may have reached AWS */
	int status;	      /* HTTP; 0: no reply came */
	unsigned attempts;    /* this one included */
};

enum outcome outcome_of(const struct outcome_facts *f);

/* How many invocations may be under way, and when the next one may begin. */
struct pace {
	unsigned window;
	int64_t pause_ms;  /* the last pause; 0: the last invocation went well */
	int64_t resume_ms; /* monotonic: none begins before */
};

void pace_init(struct pace *p);
void pace_take(struct pace *p, enum outcome o, int64_t now_ms);

/* The text of result: one key and value a line. */
int report_result(const struct import_counts *c, int64_t duration_ms, struct buf *out);

/* progress without its elapsed time. waiting_for: why nothing is sent at the moment, "" if something is. */
void report_progress(const struct import_counts *c, int64_t duration_ms, const char *waiting_for, char *out,
		     size_t size);

/* What a command said, as one line of at most size bytes: line ends become " / ". */
void report_message(const char *text, size_t len, char *out, size_t size);

#endif
