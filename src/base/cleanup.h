/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cleanup.h - frees a variable at the end of its scope.
 *
 * A variable declared with _cleanup_(fn) is released by fn when it goes out of scope; move_ptr() passes its value on
 * and sets it to NULL. The functions get the address of the variable and must accept NULL in it.
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

/* Returns the value of the pointer and sets the pointer to NULL. */
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
