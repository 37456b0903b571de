/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/inotify_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP_RANKS 4

static int steps_grow(struct steps *s)
{
	size_t room = s->room ? 2 * s->room : 16;
	struct step *more = reallocarray(s->all, room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->all = more;
	s->room = room;
	return 0;
}

int steps_add(struct steps *s, enum change what, const struct row *row, const char *key)
{
	_buf_ struct buf path = BUF_INIT(4096);
	struct step made = {.what = what, .row = row};

	if (s->n == s->room && steps_grow(s) < 0)
		return -ENOMEM;
	if (tree_path(row, key, &path) < 0)
		return -ENOMEM;
	made.path = buf_take(&path);
	made.key = strdup(key);
	if (!made.path || !made.key) {
		free(made.path);
		free(made.key);
		return -ENOMEM;
	}
	s->all[s->n++] = made;
	return 0;
}

static int step_rank(const struct step *s)
{
	switch (s->what) {
	case CHANGE_GONE:
		return 0;
	case CHANGE_APPEARED:
		return 1;
	default:
		return s->row->type == ROW_DIR ? 3 : 2;
	}
}

/* Steps of one rank stay in the order of the table. If memory is short, the list remains unsorted. */
void steps_sort(struct steps *s)
{
	struct step *sorted = s->n ? reallocarray(NULL, s->n, sizeof(*sorted)) : NULL;
	size_t n = 0;

	if (!sorted)
		return;
	for (int rank = 0; rank < STEP_RANKS; rank++)
		for (size_t i = 0; i < s->n; i++)
			if (step_rank(&s->all[i]) == rank)
				sorted[n++] = s->all[i];
	free(s->all);
	s->all = sorted;
	s->room = s->n;
}

void steps_free(struct steps *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->all[i].path);
		free(s->all[i].key);
	}
	free(s->all);
	*s = (struct steps){0};
}

bool step_names(const struct step *s, const struct node *dir, const char *name)
{
	char above[TREE_KEY_MAX];
	const char *slash = strrchr(s->path, '/');

	tree_parent_key(s->row, s->key, above);
	return dir->row == tree_parent(s->row) && strcmp(slash ? slash + 1 : s->path, name) == 0 &&
	       (!tree_lister(dir->row) || strcmp(dir->key, above) == 0);
}
