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

static struct early *incoming_early(struct list *l)
{
	return container_of(l, struct early, link);
}

static void incoming_drop(struct incoming *in, struct early *e)
{
	list_remove(&e->link);
	in->n--;
	in->bytes -= e->message.len;
	free(e);
}

void incoming_free(struct incoming *in)
{
	list_for_each_safe (l, next, &in->ahead)
		incoming_drop(in, incoming_early(l));
}

/* The list member that follows the sequence number; the head of the list for the end. */
static struct list *incoming_position(struct incoming *in, int64_t sequence)
{
	struct list *l = in->ahead.prev;

	while (l != &in->ahead && incoming_early(l)->message.sequence >= sequence)
		l = l->prev;
	return l->next;
}

static int incoming_keep(struct incoming *in, const struct message *m)
{
	struct list *place = incoming_position(in, m->sequence);
	struct early *e;

	if (place != &in->ahead && incoming_early(place)->message.sequence == m->sequence)
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

/* A stored message has been acknowledged: if it cannot be delivered now, it stays for the next try. */
static void incoming_deliver_early(struct incoming *in)
{
	while (!list_empty(&in->ahead) && incoming_early(in->ahead.next)->message.sequence == in->expected) {
		struct early *e = incoming_early(in->ahead.next);

		if (in->deliver(&e->message, in->arg) < 0)
			return;
		in->expected++;
		incoming_drop(in, e);
	}
}

int incoming_take(struct incoming *in, const struct message *m)
{
	int r;

	if (m->sequence > in->expected)
		return incoming_keep(in, m);
	if (m->sequence < in->expected)
		return 0;
	r = in->deliver(m, in->arg);
	if (r < 0)
		return r;
	in->expected++;
	incoming_deliver_early(in);
	return 0;
}
