/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * save.h - makes a text the settings in force. The request is parked until the text is on disk. Loop thread only.
 */
#ifndef VASTFS_FS_SAVE_H
#define VASTFS_FS_SAVE_H

#include "fs/fs.h"

struct memory_file;

/*
 * Takes the content of text. FILE_ANSWERED: the request is answered once the text is saved. On an error such as
 * -EINVAL, c->err has a message and the settings in force stay. taken, which may be NULL, is a file that was removed
 * from config/; it is restored if saving fails. On success the function takes the reference to it.
 */
int save_settings(struct call *c, struct buf *text, struct memory_file *taken);

#endif
