/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.h - the description of a failure, for people and programs.
 *
 * Inside vastfs every function that can fail returns a negative errno. If the failure is reported to users, the
 * function also sets a struct error: a message, and for an error reply of AWS its code and request ID. The struct is a
 * plain value without ownership; text that does not fit is truncated. -ENOMEM needs no message.
 */
#ifndef VASTFS_BASE_ERROR_H
#define VASTFS_BASE_ERROR_H

#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>

/* How long a failure is expected to last, for code that can wait. */
enum error_duration {
	ERROR_PERMANENT, /* the same call would fail again */
	ERROR_TRANSIENT, /* an outage, throttling or a malformed reply: ends by itself */
	ERROR_FIXABLE,	 /* expired credentials, an untrusted certificate: ends after a person has acted */
	ERROR_OUTLASTED, /* a transient or fixable failure that has lasted longer than the time limit */
};

struct error {
	int errnum; /* negative errno, 0 if there is no error */
	enum error_duration duration;
	int http_status;     /* status of the error reply, 0 without one */
	char code[80];	     /* error code of AWS or the registry, "" for a failure of vastfs */
	char request_id[64]; /* request ID of AWS, "" without one */
	char message[768];   /* one line, without a full stop or newline at its end */
	char remedy[768];    /* an instruction for the user, "" without one */
};

/*
 * Sets errnum and message and clears the rest. err may be NULL. Returns errnum, so: return error_set(err, -EINVAL,
 * ...).
 */
int error_set(struct error *err, int errnum, const char *format, ...) _printf_(3, 4);

/* Sets the remedy. err may be NULL. */
void error_remedy(struct error *err, const char *format, ...) _printf_(2, 3);

/* Puts "<context>: " before the message and returns err's errnum. */
int error_prefix(struct error *err, const char *format, ...) _printf_(2, 3);

static inline bool error_is(const struct error *err)
{
	return err->errnum != 0;
}

/*
 * After a call that returned errnum: makes err describe that failure and not one of an earlier call. Sets the message
 * of -ENOMEM and -ECANCELED. Returns errnum.
 */
int error_complete(struct error *err, int errnum);

/* True if the error has this code of AWS. */
bool error_has_code(const struct error *err, const char *code);

#endif
