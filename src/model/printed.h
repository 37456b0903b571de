/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * printed.h - what a command prints, on its way into its job: two outputs that grow (jobs/output.h), and whoever reads
 * is told of it. Engine thread.
 */
#ifndef VASTFS_MODEL_PRINTED_H
#define VASTFS_MODEL_PRINTED_H

#include "jobs/job.h"

struct printed {
	struct job *job;		       /* the owner's */
	struct output *output, *stderr_output; /* NULL until the command prints; the job's, too */
	const char *directory;
	uint64_t limit, stderr_limit; /* bytes */
	int64_t told_ms;	      /* monotonic: last progress */
};

/* directory must outlive it. To be released; releasing one of zeroes is fine. */
void printed_init(struct printed *p, struct job *j, const char *directory, uint64_t limit, uint64_t stderr_limit);
void printed_release(struct printed *p);

/* Makes the outputs, so that there is a result, if an empty one. -ENOMEM. */
int printed_begin(struct printed *p, struct error *err);

/* -EFBIG over the limit, the disk's errno; with words. */
int printed_add(struct printed *p, bool is_stderr, const void *data, size_t len, struct error *err);

/* Tells readers that there is more, and now and then who looks at progress. */
void printed_tell(struct printed *p);

uint64_t printed_size(const struct printed *p); /* of both */

#endif
