/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ref.h - reference counts of immutable, shared values.
 */
#ifndef VASTFS_BASE_REF_H
#define VASTFS_BASE_REF_H

#include <stdatomic.h>
#include <stdbool.h>

struct ref {
	_Atomic unsigned count;
};

static inline void ref_init(struct ref *r)
{
	atomic_init(&r->count, 1);
}

static inline void ref_get(struct ref *r)
{
	atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
}

/* True if that was the last reference: the caller then frees the value. */
static inline bool ref_put(struct ref *r)
{
	return atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel) == 1;
}

#endif
