/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.h - what went wrong, once, in a form that people and programs can use.
 *
 * Inside vastfs every function that can fail returns a negative errno. Where a person will read about the failure it
 * also fills a struct error: what happened in words, and, when AWS said no, AWS's own code and request id. It is a
 * plain value without ownership; text that does not fit is cut. Out of memory needs no words: -ENOMEM alone will do.
 */
#ifndef VASTFS_BASE_ERROR_H
#define VASTFS_BASE_ERROR_H

#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>

/* How long a failure lasts, for code that can wait for better times. */
enum error_duration {
	ERROR_PERMANENT, /* the same call would fail again */
	ERROR_TRANSIENT, /* an outage, throttling or a garbled reply: passes by itself */
	ERROR_FIXABLE,	 /* expired credentials, an untrusted certificate: passes once a person has acted */
	ERROR_OUTLASTED, /* one of both that has been waited for long enough */
};

struct error {
	int errnum; /* negative errno, 0 if there is no error */
	enum error_duration duration;
	int http_status;     /* of the reply that carried it, 0 if none did */
	char code[80];	     /* AWS's or the registry's code, "" if the failure is ours */
	char request_id[64]; /* AWS's request id, "" if there is none */
	char message[768];   /* one line, without a full stop or newline at its end */
	char remedy[768];    /* what to do about it, "" if nothing sensible can be said */
};

/* Sets errnum and message and clears the rest. err may be NULL. Returns errnum, so: return error_set(err, -EINVAL,
 * ...). */
int error_set(struct error *err, int errnum, const char *format, ...) _printf_(3, 4);

/* Says what to do. Does nothing if err is NULL. */
void error_remedy(struct error *err, const char *format, ...) _printf_(2, 3);

/* Puts "<context>: " before the message and returns err's errnum. */
int error_prefix(struct error *err, const char *format, ...) _printf_(2, 3);

static inline bool error_is(const struct error *err)
{
	return err->errnum != 0;
}

/*
 * After a call that returned errnum: err describes that failure and none of an earlier call. -ENOMEM and -ECANCELED,
 * which need no words, get them here. Returns errnum.
 */
int error_complete(struct error *err, int errnum);

/* True if AWS answered with this code. */
bool error_has_code(const struct error *err, const char *code);

#endif
