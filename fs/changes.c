/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/changes.h"

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/history.h"

#include <string.h>

struct changes_walk {
	struct fs *fs;
	const struct observation *old, *fresh;
	const struct changes_reader *reader;
	/* This walk covers the new state and finds entries that the old state does not have. */
	bool is_fresh;
	bool is_below_new; /* inside a directory that the old state does not have */
};

/* -- one entry ------------------------------------------------------------------------------------------------- */

static bool changes_exists(const struct changes_walk *w, const struct observation *o, const struct row *row,
			   const char *key)
{
	_scope_ struct scope s = {0};

	return observation_scope(&s, w->fs, o, row, key) >= 0 && history_has(&s);
}

/* The sizes of waiting files and logs are known without rendering. A waiting file also changes when its job ends. */
static bool changes_is_larger(const struct scope *old, const struct scope *fresh)
{
	bool ended =
		old->view && fresh->view && job_state_ended(old->view->state) != job_state_ended(fresh->view->state);

	return ended || attr_size(old) != attr_size(fresh);
}

static bool changes_is_other_text(const struct scope *old, const struct scope *fresh)
{
	_buf_ struct buf before = BUF_INIT(FS_TEXT_MAX);
	_buf_ struct buf now = BUF_INIT(FS_TEXT_MAX);

	/*
	 * The files of the last command now belong to another command. They are reported even if the text is the same,
	 * because a watcher waits for the new command.
	 */
	if (old->job != fresh->job)
		return true;
	if (old->row->class && old->row->class->size)
		return changes_is_larger(old, fresh);
	if (!old->row->render || old->row->render(old, &before) < 0 || fresh->row->render(fresh, &now) < 0)
		return old->row->type != ROW_DIR;
	return before.len != now.len || memcmp(buf_str(&before), buf_str(&now), now.len) != 0;
}

static enum change changes_of_noted(const struct changes_walk *w, uint64_t inode)
{
	const struct note *old = observation_note(w->old, inode), *fresh = observation_note(w->fresh, inode);

	if (!old || !fresh)
		return old ? CHANGE_GONE : fresh ? CHANGE_APPEARED : CHANGE_NONE;
	return old->changed_ms != fresh->changed_ms || old->size != fresh->size ? CHANGE_CONTENT : CHANGE_NONE;
}

static enum change changes_compare(const struct changes_walk *w, const struct row *row, const char *key)
{
	_scope_ struct scope old = {0};
	_scope_ struct scope fresh = {0};
	bool was, is;

	if (observation_is_noted(row))
		return changes_of_noted(w, node_number(row, key));
	was = observation_scope(&old, w->fs, w->old, row, key) >= 0 && history_has(&old);
	is = observation_scope(&fresh, w->fs, w->fresh, row, key) >= 0 && history_has(&fresh);
	if (!was || !is)
		return was ? CHANGE_GONE : is ? CHANGE_APPEARED : CHANGE_NONE;
	if (!row->changed || row->changed(&old) == row->changed(&fresh))
		return CHANGE_NONE;
	return changes_is_other_text(&old, &fresh) ? CHANGE_CONTENT : CHANGE_TIME;
}

static void changes_tell(const struct changes_walk *w, const struct row *row, const char *key, uint64_t directory)
{
	const struct changes_reader *reader = w->reader;
	enum change what = CHANGE_NONE;

	if (!reader->wants(reader->arg, row, node_number(row, key), directory))
		return;
	if (w->is_below_new)
		what = changes_exists(w, w->fresh, row, key) ? CHANGE_CONTENT : CHANGE_NONE;
	else
		what = changes_compare(w, row, key);
	if (what != CHANGE_NONE && (w->is_below_new || (what == CHANGE_APPEARED) == w->is_fresh))
		reader->tell(reader->arg, what, row, key);
}

/* -- the walk -------------------------------------------------------------------------------------------------- */

static void changes_walk_below(const struct changes_walk *w, const struct row *dir, const char *key);

static void changes_visit(const struct changes_walk *w, const struct row *row, const char *key, uint64_t directory)
{
	const struct observation *other = w->is_fresh ? w->old : w->fresh;
	struct changes_walk new_one = *w;

	changes_tell(w, row, key, directory);
	if (row->type != ROW_DIR)
		return;
	if (!w->is_below_new && changes_exists(w, other, row, key)) {
		changes_walk_below(w, row, key);
	} else if (w->is_fresh && w->reader->below_new) {
		new_one.is_below_new = true;
		changes_walk_below(&new_one, row, key);
	}
}

struct changes_place {
	const struct changes_walk *walk;
	const struct row *row; /* the dynamic row whose names are listed */
	const char *dir_key;
	uint64_t directory;
};

static int changes_visit_name(void *arg, const char *name)
{
	const struct changes_place *p = arg;
	char key[TREE_KEY_MAX];

	if (tree_child_key(p->row, p->dir_key, name, key) >= 0)
		changes_visit(p->walk, p->row, key, p->directory);
	return 0;
}

static void changes_walk_below(const struct changes_walk *w, const struct row *dir, const char *key)
{
	const struct observation *side = w->is_fresh ? w->fresh : w->old;
	struct changes_place place = {.walk = w, .dir_key = key, .directory = node_number(dir, key)};
	_scope_ struct scope s = {0};

	if ((w->reader->enters && !w->reader->enters(dir)) || observation_scope(&s, w->fs, side, dir, key) < 0)
		return;
	while ((place.row = tree_next_child(dir, place.row))) {
		if (place.row->flags & ROW_UNLISTED)
			continue;
		if (tree_is_dynamic(place.row))
			tree_lister(place.row)->list(&s, changes_visit_name, &place);
		else
			changes_visit(w, place.row, key, place.directory);
	}
}

void changes_find(struct fs *fs, const struct observation *old, const struct observation *fresh,
		  const struct changes_reader *reader)
{
	struct changes_walk w = {.fs = fs, .old = old, .fresh = fresh, .reader = reader};

	changes_walk_below(&w, TREE_ROOT, "");
	w.is_fresh = true;
	changes_walk_below(&w, TREE_ROOT, "");
}
