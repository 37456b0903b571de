/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.h - looking at the lines of a half-written default.env.
 */
#ifndef VASTFS_FS_DRAFT_H
#define VASTFS_FS_DRAFT_H

#include "base/error.h"

#include <stddef.h>

/*
 * Looks at the lines that end in [from, to): what is behind has not been written yet, and may be cut off. If to is the
 * end of the text, a last line without a newline counts only if the text is whole. -EINVAL with a message.
 */
int draft_check(const char *text, size_t len, size_t from, size_t to, bool whole, struct error *err);

#endif
