/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * noise.h - names that desktop programs and editors try to make everywhere, and do without: their refusal is no failure
 * that a person wants to read about in /error.
 */
#ifndef VASTFS_FS_NOISE_H
#define VASTFS_FS_NOISE_H

#include <stdbool.h>

bool noise_is(const char *name);

#endif
