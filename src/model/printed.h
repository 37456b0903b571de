/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * printed.h - stores the output of a command in its job: two growing outputs (jobs/output.h), whose readers are
 * notified. Engine thread.
 */
#ifndef VASTFS_MODEL_PRINTED_H
#define VASTFS_MODEL_PRINTED_H

#include "jobs/job.h"

struct printed {
	struct job *job;		       /* belongs to the owner of the struct */
	struct output *output, *stderr_output; /* NULL until the command prints; shared with the job */
	const char *directory;
	uint64_t limit, stderr_limit; /* limits of the outputs in bytes */
	int64_t told_ms;	      /* monotonic: the last update of progress */
};

/*
 * directory must outlive p. The owner releases p with printed_release, which also accepts a struct that is all zeroes.
 */
void printed_init(struct printed *p, struct job *j, const char *directory, uint64_t limit, uint64_t stderr_limit);
void printed_release(struct printed *p);

/* Creates the outputs, so that there is a result even if the command prints nothing. 0 or -ENOMEM. */
int printed_begin(struct printed *p, struct error *err);

/* Appends output. -EFBIG over the limit or the disk's errno, with a message. */
int printed_add(struct printed *p, bool is_stderr, const void *data, size_t len, struct error *err);

/* Notifies readers that there is more output; updates progress at most every 250 ms. */
void printed_tell(struct printed *p);

uint64_t printed_size(const struct printed *p); /* bytes in both outputs */

#endif
