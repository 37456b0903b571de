/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - what config/ holds beside the settings in force: temporary files of editors, in memory, never saved; and
 * whether default.env is there by name. Any thread; a short lock.
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
	bool settings_gone;	/* renamed away or removed: the settings in force stay */
	struct buf overwritten; /* see config_keep_overwritten; empty: nothing. Loop thread only */
	int64_t overwritten_ms; /* monotonic */
};

void config_init(struct config *c);
void config_free(struct config *c);

bool config_has_settings(struct config *c);
void config_show_settings(struct config *c, bool there);

/* Bytes in the temporary files; at most CONFIG_FILES * CONFIG_FILE_MAX. The loop thread. */
uint64_t config_used(struct config *c);
bool config_has(struct config *c, const char *name);
int config_list(struct config *c, int (*each)(void *arg, const char *name), void *arg);
/* A reference, NULL if there is none. */
struct memory_file *config_get(struct config *c, const char *name);
/* A new empty file in place of an old one; *ret is a reference. -ENOSPC, -ENOMEM. */
int config_create(struct config *c, const char *name, struct memory_file **ret);
int config_remove(struct config *c, const char *name); /* -ENOENT */
/* Replaces a file of the new name. -ENOENT, -ENOMEM. */
int config_rename(struct config *c, const char *name, const char *new_name);
/* Puts a file back under its name unless that is taken. */
void config_put_back(struct config *c, struct memory_file *f);

void memory_file_unref(struct memory_file *f);
DEFINE_CLEANUP(struct memory_file *, memory_file_unref)

/*
 * A text that was written over default.env from the beginning, by a program that then closed the file, with the end of
 * the old text still behind it: it waits for the truncation that such programs (dd) leave to another one.
 */
void config_keep_overwritten(struct config *c, const char *text, size_t len);
/* NULL: nothing waits. */
const struct buf *config_overwritten(struct config *c);
void config_forget_overwritten(struct config *c);

/* Bytes written at offset into text; a gap is filled with NUL. -EFBIG. */
int text_write_at(struct buf *text, const char *data, size_t len, size_t offset);
int text_truncate(struct buf *text, size_t size);

#endif
