/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stream.h"

#include "base/clock.h"
#include "base/ref.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#define RING_FIRST 256 /* bytes; most logs of jobs have a few lines */

struct stream {
	struct ref ref;
	pthread_mutex_t lock;
	char *ring; /* NULL until the first byte */
	size_t cap; /* bytes of the ring, which grows up to keep and then wraps */
	size_t keep;
	uint64_t size;	/* bytes ever written: the byte at offset o lies at ring[o % cap] */
	uint64_t start; /* first offset still stored */
	int64_t changed_ms;
};

struct stream *stream_new(size_t keep)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->ref);
	pthread_mutex_init(&s->lock, NULL);
	s->keep = keep;
	s->changed_ms = clock_wall_ms();
	return s;
}

struct stream *stream_ref(struct stream *s)
{
	ref_get(&s->ref);
	return s;
}

void stream_unref(struct stream *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->ring);
	free(s);
}

static size_t stream_min(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* Copies between the ring at an offset and a flat buffer, in at most two pieces. */
static void stream_copy_out(const struct stream *s, uint64_t offset, char *out, size_t len)
{
	size_t at = (size_t)(offset % s->cap), first = stream_min(len, s->cap - at);

	memcpy(out, s->ring + at, first);
	memcpy(out + first, s->ring, len - first);
}

static void stream_copy_in(struct stream *s, uint64_t offset, const char *in, size_t len)
{
	size_t at = (size_t)(offset % s->cap), first = stream_min(len, s->cap - at);

	memcpy(s->ring + at, in, first);
	memcpy(s->ring, in + first, len - first);
}

/* Nothing has wrapped yet, so the ring is enlarged in place where possible: each copy would leave a hole in the heap.
 */
static void stream_enlarge_in_place(struct stream *s, size_t cap)
{
	char *ring = realloc(s->ring, cap);

	if (!ring)
		return;
	s->ring = ring;
	s->cap = cap;
}

static void stream_enlarge_by_copy(struct stream *s, size_t cap)
{
	struct stream larger = *s;

	larger.cap = cap;
	larger.ring = malloc(cap);
	if (!larger.ring)
		return;
	for (uint64_t at = s->start; at < s->size;) {
		char piece[512];
		size_t n = stream_min(sizeof(piece), s->size - at);

		stream_copy_out(s, at, piece, n);
		stream_copy_in(&larger, at, piece, n);
		at += n;
	}
	free(s->ring);
	s->ring = larger.ring;
	s->cap = larger.cap;
}

/* Enlarges the ring up to the maximum; without memory the old size stays in use. */
static void stream_grow(struct stream *s, size_t len)
{
	size_t kept = (size_t)(s->size - s->start), cap = s->cap ? s->cap : RING_FIRST;

	while (cap < kept + len && cap < s->keep)
		cap *= 2;
	cap = stream_min(cap, s->keep);
	if (cap == s->cap)
		return;
	if (s->start)
		stream_enlarge_by_copy(s, cap);
	else
		stream_enlarge_in_place(s, cap);
}

void stream_append(struct stream *s, const void *data, size_t len)
{
	const char *bytes = data;

	if (!len)
		return;
	pthread_mutex_lock(&s->lock);
	stream_grow(s, len);
	if (s->cap) {
		size_t tail = stream_min(len, s->cap);

		stream_copy_in(s, s->size + len - tail, bytes + len - tail, tail);
	}
	s->size += len;
	if (s->size - s->start > s->cap)
		s->start = s->size - s->cap;
	s->changed_ms = clock_wall_ms();
	pthread_mutex_unlock(&s->lock);
}

void stream_printf(struct stream *s, const char *format, ...)
{
	char line[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	stream_append(s, line, (size_t)n);
}

uint64_t stream_size(struct stream *s)
{
	uint64_t size;

	pthread_mutex_lock(&s->lock);
	size = s->size;
	pthread_mutex_unlock(&s->lock);
	return size;
}

uint64_t stream_start(struct stream *s)
{
	uint64_t start;

	pthread_mutex_lock(&s->lock);
	start = s->start;
	pthread_mutex_unlock(&s->lock);
	return start;
}

int64_t stream_changed(struct stream *s)
{
	int64_t changed;

	pthread_mutex_lock(&s->lock);
	changed = s->changed_ms;
	pthread_mutex_unlock(&s->lock);
	return changed;
}

size_t stream_read(struct stream *s, uint64_t offset, void *out, size_t len)
{
	size_t dropped = 0, n = 0;

	pthread_mutex_lock(&s->lock);
	if (offset < s->size) {
		n = stream_min(len, s->size - offset);
		if (offset < s->start)
			dropped = stream_min(n, s->start - offset);
		memset(out, '\n', dropped);
		if (n > dropped)
			stream_copy_out(s, offset + dropped, (char *)out + dropped, n - dropped);
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}
