/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * images.h - decisions about the images in the stack's repository. Pure; any thread.
 */
#ifndef VASTFS_STACK_IMAGES_H
#define VASTFS_STACK_IMAGES_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* Prefix of the tags of assembled images. Other images in the repository are never removed. */
#define IMAGES_TAG_PREFIX "vastfs-"

/*
 * The digests of assembled images that are no longer needed: all but the current one, the previous one (to go back to)
 * and those in `used`; at most 100, the limit of one call. previous is the digest that was deployed before; if that is
 * "", current or deleted, the newest of the others takes its place (AWS reports push times in seconds). details is
 * DescribeImages' imageDetails; used an array of strings. A new array, NULL without memory.
 */
cJSON *images_outdated(const cJSON *details, const char *current, const char *previous, const cJSON *used);

/* The digest that a task's container runs, "" if its record has none. */
const char *images_digest_of_task(const cJSON *task);

/* "120 of 500 MB, 40.1 MB/s, 9 s left". elapsed_ms: since the first byte. */
char *images_progress(uint64_t done, uint64_t total, int64_t elapsed_ms, char *out, size_t size);

#endif
