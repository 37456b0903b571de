/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/outgoing.h"

#include <errno.h>

#define FIRST_ROUND_TRIP_MS 100.0
#define FIRST_TIMEOUT_MS    200.0
#define GRANULARITY_MS	    10.0
#define MOST_TIMEOUT_MS	    1000.0

struct sent {
	struct list link;
	int64_t sequence;
	int64_t sent_ms;
	bool again; /* sent more than once */
	struct buf frame;
};

void outgoing_init(struct outgoing *o)
{
	*o = (struct outgoing){.round_trip_ms = FIRST_ROUND_TRIP_MS, .timeout_ms = FIRST_TIMEOUT_MS};
	list_init(&o->unacked);
}

static struct sent *outgoing_sent(struct list *l)
{
	return container_of(l, struct sent, link);
}

static void outgoing_free_sent(struct sent *s)
{
	list_remove(&s->link);
	buf_free(&s->frame);
	free(s);
}

void outgoing_free(struct outgoing *o)
{
	list_for_each_safe (l, next, &o->unacked)
		outgoing_free_sent(outgoing_sent(l));
	o->n = 0;
}

int outgoing_add(struct outgoing *o, int64_t sequence, struct buf *frame, int64_t now_ms)
{
	struct sent *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->sequence = sequence;
	s->sent_ms = now_ms;
	s->frame = *frame;
	buf_init(frame, frame->max);
	if (!o->n)
		o->heard_ms = now_ms;
	list_append(&o->unacked, &s->link);
	o->n++;
	return 0;
}

static double outgoing_bounded(double ms)
{
	return ms < MOST_TIMEOUT_MS ? ms : MOST_TIMEOUT_MS;
}

static void outgoing_measure(struct outgoing *o, double sample)
{
	double off = sample > o->round_trip_ms ? sample - o->round_trip_ms : o->round_trip_ms - sample;
	double spread;

	o->variation_ms = 0.75 * o->variation_ms + 0.25 * off;
	o->round_trip_ms = 0.875 * o->round_trip_ms + 0.125 * sample;
	spread = 4 * o->variation_ms;
	o->timeout_ms = outgoing_bounded(o->round_trip_ms + (spread > GRANULARITY_MS ? spread : GRANULARITY_MS));
}

bool outgoing_acknowledge(struct outgoing *o, int64_t sequence, int64_t now_ms)
{
	list_for_each_safe (l, next, &o->unacked) {
		struct sent *s = outgoing_sent(l);

		if (s->sequence != sequence)
			continue;
		if (!s->again)
			outgoing_measure(o, (double)(now_ms - s->sent_ms));
		o->heard_ms = now_ms;
		outgoing_free_sent(s);
		o->n--;
		return true;
	}
	return false;
}

static void outgoing_mark_sent(struct sent *s, int64_t now_ms)
{
	s->again = true;
	s->sent_ms = now_ms;
}

void outgoing_send_all(struct outgoing *o, void (*send)(const void *frame, size_t len, void *arg), void *arg,
		       int64_t now_ms)
{
	list_for_each (l, &o->unacked) {
		struct sent *s = outgoing_sent(l);

		outgoing_mark_sent(s, now_ms);
		send(s->frame.data, s->frame.len, arg);
	}
	o->heard_ms = now_ms;
}

int64_t outgoing_when(const struct outgoing *o)
{
	return o->n ? outgoing_sent(o->unacked.next)->sent_ms + (int64_t)o->timeout_ms : OUTGOING_NEVER;
}

/* The wait before each repetition is longer, until an acknowledgement gives a new measurement. */
const struct buf *outgoing_due(struct outgoing *o, int64_t now_ms)
{
	struct sent *oldest;

	if (outgoing_when(o) > now_ms)
		return NULL;
	oldest = outgoing_sent(o->unacked.next);
	outgoing_mark_sent(oldest, now_ms);
	o->timeout_ms = outgoing_bounded(2 * o->timeout_ms);
	return &oldest->frame;
}

bool outgoing_is_lost(const struct outgoing *o, int64_t now_ms)
{
	return o->n && now_ms - o->heard_ms >= OUTGOING_LOST_MS;
}
