/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failing.h - lets the allocations of a function fail, one after the other.
 *
 * A test that is listed with this dependency is linked with --wrap for malloc() and its relatives, so that allocations
 * of the code under test, of cJSON and of libcrypto can fail; those inside the C library and libexpat cannot. Only for
 * tests of one thread.
 */
#ifndef VASTFS_TESTS_UNIT_FAILING_H
#define VASTFS_TESTS_UNIT_FAILING_H

#include <stdbool.h>

/*
 * Calls run(arg) once without failures, because a library may create tables at the first call. Then calls it again and
 * again: in call n the allocation n fails with ENOMEM, and those after it are made. Ends after the first call that has
 * fewer allocations than n. Returns how many calls had a failure.
 */
unsigned failing_each(void (*run)(const void *arg), const void *arg);

/* As failing_each(), but at most about so many allocations fail, at equal distances. */
unsigned failing_sample(void (*run)(const void *arg), const void *arg, unsigned most);

/* Returns whether an allocation has failed since the current call of run() began. */
bool failing_happened(void);

/* While paused, allocations of the test itself neither fail nor count. Each call of run() begins without a pause. */
void failing_pause(bool paused);

#endif
