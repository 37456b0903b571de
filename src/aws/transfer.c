/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/transfer.h"

#include <errno.h>

#define MOST_CONNECTING	  32
#define MOST_IDLE_SOCKETS 128L

int transfers_open(struct transfers *ts)
{
	*ts = (struct transfers){.multi = curl_multi_init()};
	list_init(&ts->queue);
	list_init(&ts->running);
	if (!ts->multi)
		return -ENOMEM;
	curl_multi_setopt(ts->multi, CURLMOPT_MAXCONNECTS, MOST_IDLE_SOCKETS);
	curl_multi_setopt(ts->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return 0;
}

void transfers_close(struct transfers *ts)
{
	if (ts->multi)
		curl_multi_cleanup(ts->multi);
	ts->multi = NULL;
}

static void transfer_stop_connecting(struct transfer *t)
{
	if (t->connecting)
		t->owner->connecting--;
	t->connecting = false;
}

/* The connection is established; the request is sent next. */
static int transfer_connected(void *arg, char *peer, char *self, int peer_port, int self_port)
{
	struct transfer *t = arg;

	(void)peer;
	(void)self;
	(void)peer_port;
	(void)self_port;
	t->sent = true;
	transfer_stop_connecting(t);
	return CURL_PREREQFUNC_OK;
}

void transfer_start(struct transfers *ts, struct transfer *t)
{
	t->owner = ts;
	t->running = t->connecting = t->sent = false;
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, transfer_connected);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	list_append(&ts->queue, &t->link);
}

void transfer_remove(struct transfer *t)
{
	transfer_stop_connecting(t);
	if (t->running)
		curl_multi_remove_handle(t->owner->multi, t->easy);
	t->running = false;
	list_remove(&t->link);
}

static void transfer_end(struct transfer *t, CURLcode result)
{
	/* libcurl closes such a connection when the handle is removed. */
	if (t->keep && result == CURLE_OK)
		transfer_stop_connecting(t);
	else
		transfer_remove(t);
	t->done(t, result);
}

bool transfers_can_start(const struct transfers *ts)
{
	return !list_empty(&ts->queue) && ts->connecting < MOST_CONNECTING;
}

static void transfer_run_queued(struct transfers *ts)
{
	while (transfers_can_start(ts)) {
		struct transfer *t = container_of(ts->queue.next, struct transfer, link);

		list_remove(&t->link);
		list_append(&ts->running, &t->link);
		t->connecting = true;
		ts->connecting++;
		t->running = curl_multi_add_handle(ts->multi, t->easy) == CURLM_OK;
		if (!t->running)
			transfer_end(t, CURLE_OUT_OF_MEMORY);
	}
}

static void transfer_collect_ended(struct transfers *ts)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(ts->multi, &left))) {
		CURLcode result = m->data.result;
		char *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		transfer_end((struct transfer *)(void *)t, result);
	}
}

void transfers_work(struct transfers *ts)
{
	int running;

	transfer_run_queued(ts);
	curl_multi_perform(ts->multi, &running);
	transfer_collect_ended(ts);
}
