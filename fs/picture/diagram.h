/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * diagram.h - draws the parts of the stack as shapes of SVG, for stack/diagram.svg and for overview.html. Pure.
 */
#ifndef VASTFS_FS_PICTURE_DIAGRAM_H
#define VASTFS_FS_PICTURE_DIAGRAM_H

#include "fs/picture/parts.h"

/* Appends the shapes, for a viewBox of 400 times 568. */
void diagram_put(const struct picture *p, struct buf *out);

/* Appends a round sign of 18 times 18 around the point, which shows a state by its shape as well as by its colour. */
void diagram_put_sign(enum part_state state, int x, int y, struct buf *out);

/* The class of a state in the style sheets: "ready". */
const char *diagram_class(enum part_state state);

#endif
