/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/tally.h"

#include <pthread.h>
#include <stdlib.h>

#define MINUTES	  60
#define MINUTE_MS 60000

struct tally {
	struct ref ref;
	pthread_mutex_t lock;
	struct {
		int64_t minute;
		unsigned n;
	} slots[MINUTES];
};

struct tally *tally_new(void)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->ref);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct tally *tally_ref(struct tally *t)
{
	ref_get(&t->ref);
	return t;
}

void tally_unref(struct tally *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void tally_add(struct tally *t, int64_t monotonic_ms)
{
	int64_t minute = monotonic_ms / MINUTE_MS;
	size_t at = (size_t)(minute % MINUTES);

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	if (t->slots[at].minute != minute)
		t->slots[at].n = 0;
	t->slots[at].minute = minute;
	t->slots[at].n++;
	pthread_mutex_unlock(&t->lock);
}

unsigned tally_sum(struct tally *t, int64_t monotonic_ms)
{
	int64_t minute = monotonic_ms / MINUTE_MS;
	unsigned sum = 0;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < MINUTES; i++)
		if (minute - t->slots[i].minute < MINUTES)
			sum += t->slots[i].n;
	pthread_mutex_unlock(&t->lock);
	return sum;
}
