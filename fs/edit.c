/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/edit.h"

#include "fs/attr.h"
#include "fs/draft.h"
#include "fs/file.h"
#include "fs/history.h"
#include "fs/inotify.h"
#include "fs/refuse.h"
#include "fs/save.h"
#include "ingest/format.h"

#include <limits.h>
#include <linux/fuse.h>
#include <string.h>

static bool edit_is_config(const struct node *dir)
{
	return strcmp(dir->row->path, "config") == 0;
}

static bool edit_is_tasks(const struct node *dir)
{
	return strcmp(dir->row->path, "tasks") == 0;
}

static bool edit_is_settings(const char *name)
{
	return strcmp(name, CONFIG_SETTINGS) == 0;
}

static bool edit_is_default(const char *name)
{
	return strcmp(name, "default") == 0;
}

static int edit_reply_entry(struct call *c, const char *path, const char *key)
{
	struct fuse_entry_param e;
	int r = attr_entry(c, tree_find(path), key, &e);

	if (r >= 0)
		fuse_reply_entry(c->req, &e);
	return r < 0 ? r : FILE_ANSWERED;
}

/* Answers a request about a name in a directory with the result of the functions below. */
static void edit_answer(struct call *c, int r, const struct node *dir, const char *name)
{
	if (r < 0)
		refuse(c, r, dir, name);
	else if (r != FILE_ANSWERED)
		fuse_reply_err(c->req, 0);
}

/* -- creating -------------------------------------------------------------------------------------------------- */

/* Refuses an entry of a kind that config/ never has. Editors and rsync try such entries and have a second way. */
static int edit_refuse_kind(struct call *c, const struct node *dir, const char *kind)
{
	if (!dir || !edit_is_config(dir))
		return -EPERM;
	error_set(&c->err, -EPERM, "config/ takes only regular files, not %s", kind);
	error_remedy(&c->err, "write or copy the text to config/default.env; on disk, outside the mount, "
			      "default.env may be a symbolic link");
	return -EPERM;
}

/* Any name that can be a format exists in import/. */
static int edit_refuse_file(struct call *c, const struct node *dir)
{
	if (strcmp(dir->row->path, "import") != 0)
		return -EPERM;
	error_set(&c->err, -EPERM,
		  "this is no name of a format: those have lower-case letters, digits, '_', '.' and '-', at most %d",
		  FORMAT_NAME_MAX);
	error_remedy(&c->err, "run: ls import, which lists the formats; then write to one of these files");
	return -EPERM;
}

static int edit_make_file(struct call *c, const struct node *dir, const char *name)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = NULL;
	int r;

	if (!edit_is_config(dir))
		return edit_refuse_file(c, dir);
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (edit_is_settings(name)) {
		config_show_settings(&c->fs->config, true);
		return 0;
	}
	r = config_create(&c->fs->config, name, &f);
	if (r == -ENOSPC)
		error_set(&c->err, r, "config/ holds at most %d temporary files", CONFIG_FILES);
	return r;
}

static const char *edit_made_path(const char *name)
{
	return edit_is_settings(name) ? "config/" CONFIG_SETTINGS : "config/{file}";
}

/*
 * The library's reply has no field for FOPEN_STREAM. No waiting file is ever created, so the field is not needed here.
 */
static int edit_reply_create(struct call *c, const struct fuse_entry_param *e, struct handle *h,
			     struct fuse_file_info *fi)
{
	fi->fh = (uintptr_t)h;
	fi->direct_io = 1;
	if (fuse_reply_create(c->req, e, fi) < 0)
		file_free(c, h);
	return FILE_ANSWERED;
}

static int edit_create_file(struct call *c, const struct node *dir, const char *name, struct fuse_file_info *fi)
{
	struct fuse_entry_param e;
	struct handle *h = NULL;
	int r = edit_make_file(c, dir, name);

	if (r >= 0)
		r = attr_entry(c, tree_find(edit_made_path(name)), name, &e);
	if (r < 0)
		return r;
	r = file_open(c, node_get(&c->fs->nodes, e.ino), fi->flags | O_TRUNC, &h);
	if (r < 0) {
		node_forget(&c->fs->nodes, node_get(&c->fs->nodes, e.ino), 1);
		return r;
	}
	return edit_reply_create(c, &e, h, fi);
}

void edit_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode _unused_, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);

	int r = dir ? refuse_change(&c) : -ENOENT;

	edit_answer(&c, r < 0 ? r : edit_create_file(&c, dir, name, fi), dir, name);
}

void edit_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device _unused_)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);
	int r;

	if (inotify_answer_make(&c, dir, name))
		return;
	r = dir ? refuse_change(&c) : -ENOENT;
	if (r >= 0)
		r = S_ISREG(mode) ? edit_make_file(&c, dir, name) : edit_refuse_kind(&c, dir, "special files");
	if (r >= 0)
		r = edit_reply_entry(&c, edit_made_path(name), name);
	edit_answer(&c, r, dir, name);
}

void edit_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode _unused_)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);

	if (!inotify_answer_make(&c, dir, name))
		refuse(&c, edit_refuse_kind(&c, dir, "directories"), dir, name);
}

void edit_link(fuse_req_t req, fuse_ino_t ino _unused_, fuse_ino_t parent, const char *name)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);

	refuse(&c, edit_refuse_kind(&c, dir, "hard links"), dir, name);
}

/* Extracts the task ID from a link target. Tab completion may add "tasks/" before it and "/" after it. */
static int edit_task_of_target(struct call *c, const char *target, char id[static 64])
{
	_free_ char *copy = strdup(target);
	char *end, *base;

	if (!copy)
		return -ENOMEM;
	end = copy + strlen(copy);
	while (end > copy && end[-1] == '/')
		*--end = '\0';
	base = strrchr(copy, '/');
	base = base ? base + 1 : copy;
	if (!task_list_find(c->snapshot->tasks, base)) {
		error_set(&c->err, -ENOENT, "there is no task %s", base);
		error_remedy(&c->err, "use a name that ls tasks shows");
		return -ENOENT;
	}
	snprintf(id, 64, "%s", base);
	return 0;
}

/* Replaces the request's snapshot, which is older than the change that the request has just made. */
static void edit_look_again(struct call *c)
{
	snapshot_unref(c->snapshot);
	c->snapshot = model_snapshot(c->fs->model);
}

static int edit_make_link(struct call *c, const struct node *dir, const char *target, const char *name)
{
	char id[64];
	int r = edit_is_tasks(dir) ? edit_task_of_target(c, target, id) : edit_refuse_kind(c, dir, "symbolic links");

	if (r < 0)
		return r;
	if (edit_is_default(name)) {
		r = model_task_choose(c->fs->model, id, &c->err);
		edit_look_again(c);
		return r < 0 ? r : edit_reply_entry(c, "tasks/default", "");
	}
	r = links_add(&c->fs->links, name, id);
	return r < 0 ? r : edit_reply_entry(c, "tasks/{link}", name);
}

void edit_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);

	int r;

	if (inotify_answer_make(&c, dir, name))
		return;
	r = dir ? refuse_change(&c) : -ENOENT;
	edit_answer(&c, r < 0 ? r : edit_make_link(&c, dir, target, name), dir, name);
}

/* -- removing -------------------------------------------------------------------------------------------------- */

static int edit_remove_name(struct call *c, const struct node *dir, const char *name)
{
	if (edit_is_config(dir) && edit_is_settings(name)) {
		config_show_settings(&c->fs->config, false);
		return 0;
	}
	if (edit_is_config(dir))
		return config_remove(&c->fs->config, name);
	if (edit_is_tasks(dir) && edit_is_default(name))
		return model_task_choose(c->fs->model, NULL, &c->err);
	if (!edit_is_tasks(dir))
		return history_unlink(c, dir, name);
	if (!links_target(&c->fs->links, name))
		return -EPERM;
	links_remove(&c->fs->links, name);
	return 0;
}

void edit_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);
	int r;

	if (inotify_answer_remove(&c))
		return;
	r = dir ? refuse_change(&c) : -ENOENT;
	if (r >= 0)
		r = edit_remove_name(&c, dir, name);
	/* rm -r tries to remove every file of an entry. One line in /error about the entry is enough. */
	edit_answer(&c, r, dir, r == -EBUSY ? NULL : name);
}

void edit_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);

	int r;

	if (inotify_answer_remove(&c))
		return;
	r = dir ? refuse_change(&c) : -ENOENT;
	edit_answer(&c, r < 0 ? r : history_rmdir(&c, dir, name), dir, name);
}

/* -- renaming -------------------------------------------------------------------------------------------------- */

/* Handles the backup of an editor: the text in force becomes a temporary file as well, and stays in force. */
static int edit_move_settings_away(struct call *c, const char *new_name)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = NULL;
	const struct blob *text = c->snapshot->settings_text;
	int r = config_create(&c->fs->config, new_name, &f);

	if (r < 0)
		return r;
	config_show_settings(&c->fs->config, false);
	return buf_append(&f->text, text->data, text->len);
}

static int edit_move_to_settings(struct call *c, const char *name)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = config_get(&c->fs->config, name);
	_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);
	int r;

	if (!f)
		return -ENOENT;
	if (strspn(buf_str(&f->text), " \t\r\n") == f->text.len)
		return error_set(&c->err, -EINVAL, "the file is empty");
	r = draft_check(buf_str(&f->text), f->text.len, 0, f->text.len, true, &c->err);
	if (r >= 0)
		r = buf_append(&text, buf_str(&f->text), f->text.len);
	if (r >= 0)
		r = save_settings(c, &text, f);
	if (r < 0)
		return r;
	config_remove(&c->fs->config, name);
	move_ptr(f);
	return r;
}

static int edit_rename_config(struct call *c, const char *name, const char *new_name)
{
	if (strcmp(name, new_name) == 0)
		return 0;
	if (edit_is_settings(name))
		return edit_move_settings_away(c, new_name);
	return edit_is_settings(new_name) ? edit_move_to_settings(c, name)
					  : config_rename(&c->fs->config, name, new_name);
}

static int edit_rename_link(struct call *c, const char *name, const char *new_name)
{
	const char *target = links_target(&c->fs->links, name);
	int r;

	if (!target || !edit_is_default(new_name))
		return -EPERM;
	r = model_task_choose(c->fs->model, target, &c->err);
	if (r >= 0)
		links_remove(&c->fs->links, name);
	return r;
}

static bool edit_would_replace(struct call *c, const char *name)
{
	return edit_is_settings(name) ? config_has_settings(&c->fs->config) : config_has(&c->fs->config, name);
}

static int edit_rename_name(struct call *c, const struct node *dir, const char *name, const char *new_name,
			    unsigned flags)
{
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return error_set(&c->err, -EINVAL,
				 "two files of this tree cannot exchange their names (RENAME_EXCHANGE)");
	if (edit_is_tasks(dir))
		return edit_rename_link(c, name, new_name);
	if (!edit_is_config(dir))
		return -EPERM;
	if (strlen(new_name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (flags && edit_would_replace(c, new_name))
		return -EEXIST;
	return edit_rename_config(c, name, new_name);
}

void edit_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		 unsigned flags)
{
	_call_ struct call c = call_begin(req);
	const struct node *dir = node_get(&c.fs->nodes, parent);
	int r = dir ? refuse_change(&c) : -ENOENT;

	if (r >= 0)
		r = parent != new_parent ? -EPERM : edit_rename_name(&c, dir, name, new_name, flags);
	/*
	 * The refused text is the text of the settings. So the message names the settings file, not the temporary file
	 * of the editor.
	 */
	if (r == -EINVAL && edit_is_config(dir) && edit_is_settings(new_name))
		name = new_name;
	edit_answer(&c, r, dir, name);
}
