/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.h - an append-only log whose offsets never move.
 *
 * The text behind events.log, api.log, operation.log, task.log and lambda.log. It has one or more writers and any
 * number of readers on other threads; it keeps the last part up to a maximum, and offsets count from the first byte
 * ever written, so that tail -f goes on where it was. Reading what has been dropped yields nothing at that offset:
 * the reader is told where the kept part begins. A short lock guards the copying of bytes and nothing else.
 */
#ifndef VASTFS_BASE_STREAM_H
#define VASTFS_BASE_STREAM_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct stream;

/* keep: how many bytes stay readable. NULL without memory. Born with one reference. */
struct stream *stream_new(size_t keep);
struct stream *stream_ref(struct stream *s);
void stream_unref(struct stream *s);
DEFINE_CLEANUP(struct stream *, stream_unref)

/* Appends; a lack of memory drops the oldest part, never the newest line, and is not an error to the writer. */
void stream_append(struct stream *s, const void *data, size_t len);
void stream_printf(struct stream *s, const char *format, ...) _printf_(2, 3);

/* The first offset that is still kept. */
uint64_t stream_start(struct stream *s);

/* Bytes ever written, and the wall clock time of the last one (ms; that of creation if there is none). */
uint64_t stream_size(struct stream *s);
int64_t stream_changed(struct stream *s);

/*
 * Copies at most len bytes from offset into out and returns how many, 0 at the end. A part that is no longer kept
 * reads as newlines, so that offsets stay true and a reader from the start gets on.
 */
size_t stream_read(struct stream *s, uint64_t offset, void *out, size_t len);

#endif
