/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outcome.h - decides what the result of an invocation means for its batch and for the pace of the delivery, and
 * formats reports. Pure; any thread. Nothing is allocated.
 */
#ifndef VASTFS_INGEST_OUTCOME_H
#define VASTFS_INGEST_OUTCOME_H

#include "base/buf.h"
#include "ingest/ingest.h"

#define PACE_WINDOW_MAX 8 /* concurrent invocations */

enum outcome {
	OUTCOME_DELIVERED,
	/*
	 * The command failed, either because of the events or because the server is gone. A check of the server
	 * decides.
	 */
	OUTCOME_DOUBTED,
	OUTCOME_TOO_LARGE, /* Lambda refuses the size */
	OUTCOME_THROTTLED, /* the command was not started, because AWS is busy */
	OUTCOME_LOST,	   /* the events may have been delivered; the batch is sent again */
	/* The invocation was refused before it started. The cause passes by itself or after an action of the user. */
	OUTCOME_BLOCKED,
	OUTCOME_OLD_RUNTIME, /* the function ignores the events */
};

struct outcome_facts {
	bool answered;	      /* the command ended, so the next two fields are valid */
	int exit_code;	      /* exit code of the command */
	bool interrupted;     /* a signal or the time limit ended the command */
	int64_t stdin_bytes;  /* bytes written to the command's stdin; -1: the runtime does not support stdin */
	bool function_failed; /* Lambda reports a failure of the function: a timeout or out of memory */
	bool not_started;     /* AWS proved that the command did not start, so the batch may be sent again */
	bool sent;	      /* the request may have reached AWS */
	int status;	      /* HTTP; 0: no reply arrived */
	unsigned attempts;    /* number of attempts, including this one */
};

enum outcome outcome_of(const struct outcome_facts *f);

/* Returns whether one of several batches in the invocation may be the only cause of this outcome. */
bool outcome_may_be_of_one(const struct outcome_facts *f, enum outcome o);

/* The number of invocations that may be in flight, and the time at which the next one may start. */
struct pace {
	unsigned window;
	int64_t pause_ms;  /* the last pause; 0: the last invocation succeeded */
	int64_t resume_ms; /* monotonic; no invocation starts earlier */
};

void pace_init(struct pace *p);
void pace_take(struct pace *p, enum outcome o, int64_t now_ms);
bool pace_resumes_soon(const struct pace *p, int64_t now_ms); /* one of the first, short pauses is not over */

/* Sets the remedy of an import whose command ended with that exit code; 0: no command ran. */
void report_remedy(uint64_t import, int exit_code, struct error *err);

/* Appends the text of result, one key and value per line. */
int report_result(const struct import_counts *c, int64_t duration_ms, struct buf *out);

/* Formats progress without its elapsed time. waiting_for is the reason why nothing is sent at the moment, or "". */
void report_progress(const struct import_counts *c, int64_t duration_ms, const char *waiting_for, char *out,
		     size_t size);

/* Formats the output of a command as one line of at most size bytes. Line ends become " / ". */
void report_message(const char *text, size_t len, char *out, size_t size);

#endif
