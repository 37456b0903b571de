/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.h - checks the lines of config/default.env while a program is still writing the file. The check keeps no state,
 * so any thread may call it. The text belongs to the caller.
 */
#ifndef VASTFS_FS_DRAFT_H
#define VASTFS_FS_DRAFT_H

#include "base/error.h"

#include <stddef.h>

/*
 * Checks the lines that end in [from, to). The bytes after that range are not written yet and may still be truncated.
 * If to is the end of the text, a last line without a newline is checked only if whole is set. Returns -EINVAL with a
 * message for an invalid line.
 */
int draft_check(const char *text, size_t len, size_t from, size_t to, bool whole, struct error *err);

#endif
