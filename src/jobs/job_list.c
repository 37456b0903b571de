/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/job.h"

#include <string.h>

static bool job_list_has_ended(struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	return job_state_ended(v->state);
}

struct job_list *job_list_with(const struct job_list *old, struct job *j, size_t keep)
{
	size_t n = old ? old->n : 0, wanted = n + (j ? 1 : 0), surplus = wanted > keep ? wanted - keep : 0;
	struct job_list *l = malloc(sizeof(*l) + wanted * sizeof(struct job *));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (surplus && job_list_has_ended(old->jobs[i]))
			surplus--;
		else
			l->jobs[l->n++] = job_ref(old->jobs[i]);
	}
	if (j)
		l->jobs[l->n++] = job_ref(j);
	return l;
}

struct job_list *job_list_without(const struct job_list *old, const struct job *j)
{
	struct job_list *l = malloc(sizeof(*l) + old->n * sizeof(struct job *));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->n = 0;
	for (size_t i = 0; i < old->n; i++)
		if (old->jobs[i] != j)
			l->jobs[l->n++] = job_ref(old->jobs[i]);
	return l;
}

struct job_list *job_list_filter(const struct job_list *old, bool (*drop)(struct job *j, void *arg), void *arg)
{
	struct job_list *l = malloc(sizeof(*l) + old->n * sizeof(struct job *));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->n = 0;
	for (size_t i = 0; i < old->n; i++)
		if (!drop(old->jobs[i], arg))
			l->jobs[l->n++] = job_ref(old->jobs[i]);
	return l;
}

struct job_list *job_list_ref(struct job_list *l)
{
	ref_get(&l->ref);
	return l;
}

void job_list_unref(struct job_list *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	for (size_t i = 0; i < l->n; i++)
		job_unref(l->jobs[i]);
	free(l);
}

struct job *job_list_find(const struct job_list *l, uint64_t number)
{
	for (size_t i = l->n; i-- > 0;)
		if (l->jobs[i]->number == number)
			return l->jobs[i];
	return NULL;
}

struct job *job_list_last(const struct job_list *l)
{
	return l->n ? l->jobs[l->n - 1] : NULL;
}

struct job *job_list_last_of(const struct job_list *l, const char *argument)
{
	for (size_t i = l->n; i-- > 0;)
		if (strcmp(l->jobs[i]->argument, argument) == 0)
			return l->jobs[i];
	return NULL;
}
