/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crc32.h - the CRC-32 of gzip, of AWS's event streams, of the frames of vast-lambda-runtime and of the spool.
 * libdeflate uses the processor's instructions for it and is about three times as fast as zlib; every byte of a
 * streamed result passes two of these checksums. Pure; any thread.
 */
#ifndef VASTFS_BASE_CRC32_H
#define VASTFS_BASE_CRC32_H

#include <libdeflate.h>
#include <stddef.h>
#include <stdint.h>

/* The CRC-32 of some bytes that follow the bytes whose CRC-32 is crc. crc: 0 at the beginning. */
static inline uint32_t crc32_add(uint32_t crc, const void *bytes, size_t len)
{
	return libdeflate_crc32(crc, bytes, len);
}

#endif
