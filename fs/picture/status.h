/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.h - the lamps of the traffic light, which status.svg and overview.html share. Pure.
 */
#ifndef VASTFS_FS_PICTURE_STATUS_H
#define VASTFS_FS_PICTURE_STATUS_H

#include "fs/picture/picture.h"

/* Appends three lamps in a row, centred at (128, 60), for a housing of 224 times 88. */
void status_put_lamps(const struct picture *p, struct buf *out);

#endif
