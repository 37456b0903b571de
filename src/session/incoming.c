/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/incoming.h"

#include <errno.h>
#include <string.h>

struct early {
	struct list link;
	struct message message;
	char payload[];
};

void incoming_init(struct incoming *in, int (*deliver)(const struct message *m, void *arg), void *arg)
{
	*in = (struct incoming){.deliver = deliver, .arg = arg};
	list_init(&in->ahead);
}

static struct early *early_of(struct list *l)
{
	return container_of(l, struct early, link);
}

static void drop(struct incoming *in, struct early *e)
{
	list_remove(&e->link);
	in->n--;
	in->bytes -= e->message.len;
	free(e);
}

void incoming_free(struct incoming *in)
{
	list_for_each_safe (l, next, &in->ahead)
		drop(in, early_of(l));
}

/* The member before which sequence belongs; the list's head for the end. */
static struct list *place_of(struct incoming *in, int64_t sequence)
{
	struct list *l = in->ahead.prev;

	while (l != &in->ahead && early_of(l)->message.sequence >= sequence)
		l = l->prev;
	return l->next;
}

static int keep(struct incoming *in, const struct message *m)
{
	struct list *place = place_of(in, m->sequence);
	struct early *e;

	if (place != &in->ahead && early_of(place)->message.sequence == m->sequence)
		return 0;
	if (in->n == INCOMING_MOST || in->bytes + m->len > INCOMING_BYTES_MAX)
		return INCOMING_LEFT;
	e = malloc(sizeof(*e) + m->len);
	if (!e)
		return -ENOMEM;
	e->message = *m;
	memcpy(e->payload, m->payload, m->len);
	e->message.payload = e->payload;
	list_append(place, &e->link);
	in->n++;
	in->bytes += m->len;
	return 0;
}

/* A message that was acknowledged and cannot be delivered now stays where it is, for the next try. */
static void deliver_early(struct incoming *in)
{
	while (!list_empty(&in->ahead) && early_of(in->ahead.next)->message.sequence == in->expected) {
		struct early *e = early_of(in->ahead.next);

		if (in->deliver(&e->message, in->arg) < 0)
			return;
		in->expected++;
		drop(in, e);
	}
}

int incoming_take(struct incoming *in, const struct message *m)
{
	int r;

	if (m->sequence > in->expected)
		return keep(in, m);
	if (m->sequence < in->expected)
		return 0;
	r = in->deliver(m, in->arg);
	if (r < 0)
		return r;
	in->expected++;
	deliver_early(in);
	return 0;
}
