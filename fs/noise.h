/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * noise.h - the names that desktop programs and editors try to create in every directory. These programs continue
 * without the file, so /error has no line for the refusal. Pure; any thread.
 */
#ifndef VASTFS_FS_NOISE_H
#define VASTFS_FS_NOISE_H

#include <stdbool.h>

bool noise_is(const char *name);

#endif
