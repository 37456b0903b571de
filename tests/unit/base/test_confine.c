/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/confine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

static rlim_t core_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	return limit.rlim_cur;
}

static void test_only_the_process_itself_is_confined(void **state)
{
	struct rlimit usual;

	(void)state;
	getrlimit(RLIMIT_CORE, &usual);
	usual.rlim_cur = usual.rlim_max;
	setrlimit(RLIMIT_CORE, &usual);
	confine_not_child(0); /* 0: this process, in place of a child */
	assert_int_equal(core_limit(), usual.rlim_max);
	confine_process();
	assert_int_equal(core_limit(), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	confine_not_child(0);
	assert_int_equal(core_limit(), usual.rlim_max);
	confine_process();
	confine_end();
	assert_int_equal(core_limit(), usual.rlim_max);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
	confine_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_the_process_itself_is_confined)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
