/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * output.h - what a command prints, while it grows.
 *
 * One thread appends, any others read what is there. Up to 1 MiB it is kept in memory, beyond that in a file without a
 * name below a given directory, so that memory stays small whatever is printed and nothing is left behind by a crash.
 * Reference counted; bytes that are there never change. One costs at most 1 MiB of memory, or a descriptor and its
 * size on the disk until the last reference is gone.
 */
#ifndef VASTFS_JOBS_OUTPUT_H
#define VASTFS_JOBS_OUTPUT_H

#include "base/cleanup.h"

#include <stdint.h>
#include <sys/types.h>

#define OUTPUT_MEMORY_MAX ((size_t)1 << 20)

struct output;

/* limit in bytes; directory for the file, copied. NULL without memory. */
struct output *output_new(const char *directory, uint64_t limit);
struct output *output_ref(struct output *o); /* NULL is fine */
void output_unref(struct output *o);	     /* NULL is fine */
DEFINE_CLEANUP(struct output *, output_unref)

/*
 * All or nothing. -EFBIG over the limit, else why the disk did not take it: -ENOSPC, -EDQUOT, ... A file over the
 * process's limit of file sizes is -ENOSPC, too, where SIGXFSZ is ignored. What was there before stays readable.
 */
int output_append(struct output *o, const void *data, size_t len);

/* Any thread. Bytes so far. NULL: none. */
uint64_t output_size(const struct output *o);

/* Any thread. Bytes that it takes on the disk; 0 while it is in memory. NULL: none. */
uint64_t output_disk_size(struct output *o);

/* Any thread: copies at most len bytes from offset; how many, 0 at the present end, negative errno of the disk. */
ssize_t output_read(struct output *o, uint64_t offset, void *out, size_t len);

#endif
