/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cleanup.h - ownership that ends with the scope.
 *
 * A variable declared with _cleanup_(fn) is released by fn when it goes out of scope; move_ptr() hands its value on
 * and disarms it. The functions take the variable's address and must accept an empty one.
 */
#ifndef VASTFS_BASE_CLEANUP_H
#define VASTFS_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn)	 __attribute__((cleanup(fn)))
#define _unused_	 __attribute__((unused))
#define _printf_(fmt, a) __attribute__((format(printf, fmt, a)))
#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))

/* Returns the pointer's value and leaves NULL behind. */
#define move_ptr(p)                       \
	__extension__({                   \
		__auto_type moved_ = (p); \
		(p) = NULL;               \
		moved_;                   \
	})

/* Defines fn_cleanup(type *p), which calls fn(*p) unless it is NULL: use as _cleanup_(fn_cleanup). */
#define DEFINE_CLEANUP(type, fn)                 \
	static inline void fn##_cleanup(type *p) \
	{                                        \
		if (*p)                          \
			fn(*p);                  \
	}

static inline void free_cleanup(void *p)
{
	free(*(void **)p);
}

static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _free_	_cleanup_(free_cleanup)
#define _close_ _cleanup_(fd_cleanup)

#endif
