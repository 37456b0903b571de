/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.h - an append-only log whose offsets never move.
 *
 * It stores the text of events.log, api.log, operation.log, task.log and lambda.log. It has one or more writers and any
 * number of readers on other threads; it stores the last bytes up to a maximum, and offsets count from the first byte
 * ever written, so that tail -f continues at its offset. Bytes that were dropped are read as newlines. A lock guards
 * only the copying of bytes.
 */
#ifndef VASTFS_BASE_STREAM_H
#define VASTFS_BASE_STREAM_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct stream;

/* keep: the number of bytes that stay readable. NULL without memory. The caller gets one reference. */
struct stream *stream_new(size_t keep);
struct stream *stream_ref(struct stream *s);
void stream_unref(struct stream *s);
DEFINE_CLEANUP(struct stream *, stream_unref)

/* Appends. Without memory the oldest part is dropped instead of the newest line, and the writer gets no error. */
void stream_append(struct stream *s, const void *data, size_t len);
void stream_printf(struct stream *s, const char *format, ...) _printf_(2, 3);

/* The first offset that is still stored. */
uint64_t stream_start(struct stream *s);

/* The number of bytes ever written, and the wall clock time in ms of the last write (or of the creation). */
uint64_t stream_size(struct stream *s);
int64_t stream_changed(struct stream *s);

/*
 * Copies at most len bytes from offset into out and returns their number, 0 at the end. A dropped part is read as
 * newlines, so that offsets stay valid and a reader from the beginning can continue.
 */
size_t stream_read(struct stream *s, uint64_t offset, void *out, size_t len);

#endif
