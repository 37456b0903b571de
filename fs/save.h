/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * save.h - putting a text in force as the settings, with the request parked until the disk has it.
 */
#ifndef VASTFS_FS_SAVE_H
#define VASTFS_FS_SAVE_H

#include "fs/fs.h"

struct memory_file;

/*
 * Takes text's content. FILE_ANSWERED: the request will be answered when it is saved. -EINVAL and the like: c->err has
 * words, the settings in force stay. taken (may be NULL; its reference is taken on success) was removed from config/
 * and is put back if saving fails.
 */
int save_settings(struct call *c, struct buf *text, struct memory_file *taken);

#endif
