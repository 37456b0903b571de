/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tally.h - counts events of the last hour, to the minute. Any thread.
 */
#ifndef VASTFS_BASE_TALLY_H
#define VASTFS_BASE_TALLY_H

#include "base/ref.h"

#include <stdint.h>

struct tally;

struct tally *tally_new(void); /* NULL without memory */
struct tally *tally_ref(struct tally *t);
void tally_unref(struct tally *t); /* t may be NULL */

void tally_add(struct tally *t, int64_t monotonic_ms); /* t may be NULL */
/* The number of events in the last 60 minutes; an event counts for 59 to 60 minutes. */
unsigned tally_sum(struct tally *t, int64_t monotonic_ms);

#endif
