/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * output.h - the growing output of a command.
 *
 * One thread appends, other threads read. Up to 1 MiB is stored in memory, more in an unnamed file in a given
 * directory, so that memory is bounded and a crash leaves no file behind. Reference counted; bytes never change. An
 * output uses at most 1 MiB of memory, or a descriptor and its size on the disk until the last reference is dropped.
 */
#ifndef VASTFS_JOBS_OUTPUT_H
#define VASTFS_JOBS_OUTPUT_H

#include "base/cleanup.h"

#include <stdint.h>
#include <sys/types.h>

#define OUTPUT_MEMORY_MAX ((size_t)1 << 20)

struct output;

/* limit: most bytes of the output; directory: the place of the file, copied. NULL without memory. */
struct output *output_new(const char *directory, uint64_t limit);
struct output *output_ref(struct output *o); /* NULL is fine */
void output_unref(struct output *o);	     /* NULL is fine */
DEFINE_CLEANUP(struct output *, output_unref)

/*
 * Appends all or nothing. -EFBIG over the limit, else the errno of the disk: -ENOSPC, -EDQUOT, ... A file over the file
 * size limit of the process is -ENOSPC, too (SIGXFSZ must be ignored). Earlier bytes stay readable.
 */
int output_append(struct output *o, const void *data, size_t len);

/* Any thread. The number of bytes so far; 0 for NULL. */
uint64_t output_size(const struct output *o);

/* Any thread. The number of bytes on the disk; 0 while it is in memory, and for NULL. */
uint64_t output_disk_size(struct output *o);

/* Any thread: copies at most len bytes from offset. Their number, 0 at the current end, negative errno of the disk. */
ssize_t output_read(struct output *o, uint64_t offset, void *out, size_t len);

#endif
