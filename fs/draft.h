/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.h - looking at the lines of a half-written default.env.
 */
#ifndef VASTFS_FS_DRAFT_H
#define VASTFS_FS_DRAFT_H

#include "base/error.h"

#include <stddef.h>

/* The lines that end at or behind from; a last one without a newline only if the text is whole. -EINVAL with words. */
int draft_check(const char *text, size_t len, size_t from, bool whole, struct error *err);

#endif
