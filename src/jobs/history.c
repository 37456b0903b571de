/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/history.h"

#include <errno.h>
#include <stdlib.h>

struct history_entry {
	struct job *job;
	uint64_t disk_bytes;
	bool may_go; /* the command has ended and is not the newest of its list */
	bool dropped;
};

static void history_look_at(struct history_entry *e, struct job *j, bool newest)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	*e = (struct history_entry){.job = j,
				    .disk_bytes = output_disk_size(v->output) + output_disk_size(v->stderr_output),
				    .may_go = job_state_ended(v->state) && !newest};
}

/* The entries of one list, oldest first. */
static void history_trim_number(struct history_entry *entries, size_t n, size_t keep)
{
	size_t surplus = n > keep ? n - keep : 0;

	for (size_t i = 0; i < n && surplus; i++) {
		if (!entries[i].may_go)
			continue;
		entries[i].dropped = true;
		surplus--;
	}
}

static struct history_entry *history_oldest_on_disk(struct history_entry *entries, size_t n)
{
	struct history_entry *oldest = NULL;

	for (size_t i = 0; i < n; i++) {
		struct history_entry *e = &entries[i];

		if (e->may_go && !e->dropped && e->disk_bytes &&
		    (!oldest || e->job->created_ms < oldest->job->created_ms))
			oldest = e;
	}
	return oldest;
}

static void history_trim_disk(struct history_entry *entries, size_t n, uint64_t limit)
{
	struct history_entry *oldest;
	uint64_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += entries[i].dropped ? 0 : entries[i].disk_bytes;
	while (used > limit && (oldest = history_oldest_on_disk(entries, n))) {
		oldest->dropped = true;
		used -= oldest->disk_bytes;
	}
}

/* The list without dropped commands, or another reference to it if none was dropped. NULL without memory. */
static struct job_list *history_rest(struct job_list *old, const struct history_entry *entries)
{
	struct job_list *rest = job_list_ref(old);

	for (size_t i = 0; rest && i < old->n; i++) {
		struct job_list *shorter = entries[i].dropped ? job_list_without(rest, entries[i].job) : NULL;

		if (!entries[i].dropped)
			continue;
		job_list_unref(rest);
		rest = shorter;
	}
	return rest;
}

static int history_replace(struct job_list **const lists[static HISTORY_LISTS], const struct history_entry *entries)
{
	struct job_list *rests[HISTORY_LISTS];
	int r = 0;

	for (size_t i = 0; i < HISTORY_LISTS; i++) {
		rests[i] = history_rest(*lists[i], entries);
		entries += (*lists[i])->n;
		if (!rests[i])
			r = -ENOMEM;
	}
	for (size_t i = 0; i < HISTORY_LISTS; i++) {
		if (r == 0 && rests[i] != *lists[i])
			r = 1;
		job_list_unref(r >= 0 ? *lists[i] : rests[i]);
		if (r >= 0)
			*lists[i] = rests[i];
	}
	return r;
}

int history_trim(struct job_list **const lists[static HISTORY_LISTS], const struct history_limits *limits)
{
	_free_ struct history_entry *entries = NULL;
	size_t total = 0, at = 0;

	for (size_t i = 0; i < HISTORY_LISTS; i++)
		total += (*lists[i])->n;
	entries = calloc(total + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < HISTORY_LISTS; i++) {
		const struct job_list *l = *lists[i];

		for (size_t j = 0; j < l->n; j++)
			history_look_at(&entries[at + j], l->jobs[j], j == l->n - 1);
		history_trim_number(&entries[at], l->n, limits->keep);
		at += l->n;
	}
	history_trim_disk(entries, total, limits->disk_bytes);
	return history_replace(lists, entries);
}
