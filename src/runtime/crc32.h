/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32 as zlib computes it (ISO 3309; RFC 1952, section 8), without zlib. */
#ifndef VAST_RUNTIME_CRC32_H
#define VAST_RUNTIME_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what `crc` is the sum of (0: nothing) and of `data` behind it. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t len);

#endif
