/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * images.h - what is decided about images. Pure.
 */
#ifndef VASTFS_STACK_IMAGES_H
#define VASTFS_STACK_IMAGES_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* Tags of assembled images begin with it; others in the repository are not ours to remove. */
#define IMAGES_TAG_PREFIX "vastfs-"

/*
 * The digests of assembled images that nobody needs: all but the current one, the previous one (to go back to) and
 * those in `used`; at most 100, which is what one call removes. previous is what was deployed before; if that is "",
 * current or gone, it is the newest of the others: AWS tells when images were pushed, to the second. details is
 * DescribeImages' imageDetails; used an array of strings. A new array, NULL without memory.
 */
cJSON *images_outdated(const cJSON *details, const char *current, const char *previous, const cJSON *used);

/* The digest that a task's container runs, "" if its record does not say. */
const char *images_digest_of_task(const cJSON *task);

/* "120 of 500 MB, 40.1 MB/s, 9 s left". elapsed_ms: since the first byte. */
char *images_progress(uint64_t done, uint64_t total, int64_t elapsed_ms, char *out, size_t size);

#endif
