/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slots.h - fills a template. A template is trusted markup with places like {{region}}; each place has a function that
 * appends its content, with base/markup.h. Pure.
 */
#ifndef VASTFS_FS_PICTURE_SLOTS_H
#define VASTFS_FS_PICTURE_SLOTS_H

#include "base/buf.h"

struct picture;

struct slot {
	const char *name;
	void (*put)(const struct picture *p, struct buf *out);
};

/*
 * Appends the template. slots ends with a NULL name. Returns -EINVAL if the template has a place without a slot, which
 * only a programming error in this folder can cause, or the error of the buffer.
 */
int slots_fill(const char *template, const struct slot *slots, const struct picture *p, struct buf *out);

#endif
