/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - the content of config/ beside the settings in force: the temporary files of editors, which stay in memory
 * and are never saved, and whether the name default.env exists.
 *
 * Any thread may call these functions, because a lock protects the list of files. The lock is held only briefly. A
 * file's text and the overwritten text belong to the loop thread. Files are counted by reference.
 */
#ifndef VASTFS_FS_CONFIG_H
#define VASTFS_FS_CONFIG_H

#include "base/buf.h"
#include "base/ref.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CONFIG_FILES	64
#define CONFIG_FILE_MAX (1 << 20)
#define CONFIG_SETTINGS "default.env"

struct memory_file {
	struct ref ref;
	char *name;
	struct buf text; /* loop thread only */
	int64_t changed_ms;
};

struct config {
	pthread_mutex_t lock;
	struct memory_file *files[CONFIG_FILES];
	/* The name default.env was renamed or removed. The settings in force stay in force. */
	bool settings_gone;
	struct buf overwritten; /* see config_keep_overwritten(); loop thread only, like the next two fields */
	bool emptied;		/* see config_keep_emptied() */
	int64_t overwritten_ms; /* monotonic */
};

void config_init(struct config *c);
void config_free(struct config *c);

bool config_has_settings(struct config *c);
void config_show_settings(struct config *c, bool there);

/* Returns the bytes in the temporary files, at most CONFIG_FILES * CONFIG_FILE_MAX. Loop thread only. */
uint64_t config_used(struct config *c);
bool config_has(struct config *c, const char *name);
int config_list(struct config *c, int (*each)(void *arg, const char *name), void *arg);
/* Returns a new reference, or NULL if there is no such file. */
struct memory_file *config_get(struct config *c, const char *name);
/* Makes an empty file, which replaces a file of the same name. *ret is a new reference. Returns -ENOSPC or -ENOMEM. */
int config_create(struct config *c, const char *name, struct memory_file **ret);
int config_remove(struct config *c, const char *name); /* returns -ENOENT if there is no such file */
/* Renames a file. A file that has the new name already is replaced. Returns -ENOENT or -ENOMEM. */
int config_rename(struct config *c, const char *name, const char *new_name);
/* Restores a removed file under its name, unless another file has taken the name. */
void config_put_back(struct config *c, struct memory_file *f);

void memory_file_unref(struct memory_file *f);
DEFINE_CLEANUP(struct memory_file *, memory_file_unref)

/*
 * Keeps a text that a program wrote over the beginning of default.env. The program has closed the file, and the end of
 * the old text still follows the new text. Programs such as dd leave the truncation to a second program, so the text
 * waits for that truncation.
 */
void config_keep_overwritten(struct config *c, const char *text, size_t len);
/*
 * Remembers that a program has truncated default.env to size 0. Truncation alone changes nothing, but a program that
 * adds lines next (": > default.env; echo stage=x >> default.env") starts with an empty text.
 */
void config_keep_emptied(struct config *c);
/* Returns the text with which a draft starts instead of the text in force, or NULL. */
const struct buf *config_overwritten(struct config *c);
void config_forget_overwritten(struct config *c);

/*
 * Writes bytes at an offset of text and fills a gap before them with NUL bytes. Returns -EFBIG if the text would be too
 * long.
 */
int text_write_at(struct buf *text, const char *data, size_t len, size_t offset);
int text_truncate(struct buf *text, size_t size);

#endif
