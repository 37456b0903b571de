/* SPDX-License-Identifier: BSD-3-Clause */
/* drift-check against replies from a table; cloud.h has what else happens to each life. */
#include "cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define STATUS "DescribeStackDriftDetectionStatus"
#define BEGUN  SAYS("DetectStackDrift", "{\"StackDriftDetectionId\":\"d1\"}")
#define BUSY   SAYS(STATUS, "{\"DetectionStatus\":\"DETECTION_IN_PROGRESS\"}")
#define DONE   SAYS(STATUS, "{\"DetectionStatus\":\"DETECTION_COMPLETE\"}")
#define FAILED \
	SAYS(STATUS, "{\"DetectionStatus\":\"DETECTION_FAILED\",\"DetectionStatusReason\":\"no right to read it\"}")
#define DRIFTS                                                                                 \
	SAYS("DescribeStackResourceDrifts",                                                    \
	     "{\"StackResourceDrifts\":[{\"LogicalResourceId\":\"Function\",\"ResourceType\":" \
	     "\"AWS::Lambda::Function\",\"StackResourceDriftStatus\":\"DELETED\"}]}")
#define RUNS  REFUSES("DetectStackDrift", "ValidationError", "Drift detection is already in progress for this stack")
#define READY STACKS("UPDATE_COMPLETE")

static const struct cloud_reply checked[] = {READY, BEGUN, BUSY, DONE, DRIFTS, RESOURCES, END};
static const struct cloud_reply incomplete[] = {READY, BEGUN, FAILED, DRIFTS, RESOURCES, END};
static const struct cloud_reply after_others[] = {READY, RUNS, RUNS, BEGUN, DONE, DRIFTS, RESOURCES, END};
static const struct cloud_reply never_begins[] = {READY, RUNS, END};
static const struct cloud_reply never_ends[] = {READY, BEGUN, BUSY, END};
static const struct cloud_reply changed_meanwhile[] = {
	READY, STACKS("UPDATE_IN_PROGRESS"), BEGUN, DONE, DRIFTS, RESOURCES, END};
static const struct cloud_reply deleted_meanwhile[] = {READY, NO_STACK, BEGUN, DONE, DRIFTS, RESOURCES, END};
static const struct cloud_reply deleted_first[] = {
	READY, NO_STACK, REFUSES("DetectStackDrift", "ValidationError", "Stack x does not exist"), END};
static const struct cloud_reply busy_first[] = {
	READY, STACKS("UPDATE_IN_PROGRESS"),
	REFUSES("DetectStackDrift", "ValidationError", "it cannot be detected now"), END};
static const struct cloud_reply invalid[] = {
	READY, REFUSES("DetectStackDrift", "ValidationError", "it cannot be detected now"), END};
static const struct cloud_reply busy[] = {STACKS("CREATE_IN_PROGRESS"), END};
static const struct cloud_reply failed[] = {STACKS("ROLLBACK_COMPLETE"), END};
static const struct cloud_reply absent[] = {NO_STACK, END};
static const struct cloud_reply resumed[] = {READY, BUSY, DONE, DRIFTS, RESOURCES, END};
static const struct cloud_reply forgotten[] = {
	READY, REFUSES(STATUS, "ValidationError", "no such detection"), BEGUN, DONE, DRIFTS, RESOURCES, END};

#define LIFE(words_, replies_, result_, ...)                                                           \
	{                                                                                              \
		.name = #replies_, .run = operation_drift_check, .words = words_, .replies = replies_, \
		.result = result_, .writes = "", __VA_ARGS__                                           \
	}
#define BEFORE "{\"detection\":\"d1\"}"

static void test_drift_is_detected(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("0 resources modified, 1 deleted", checked, 0),
		LIFE("1 deleted", after_others, 0),
		LIFE("the stack was changed while it was checked", changed_meanwhile, 0),
		LIFE("1 deleted", resumed, 0, .memory = BEFORE),
		LIFE("1 deleted", forgotten, 0, .memory = BEFORE),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_what_prevents_it_is_told(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("could not check every resource: no right to read it", incomplete, -EIO),
		LIFE("another drift detection of this stack did not finish", never_begins, -ETIMEDOUT),
		LIFE("run: touch stack/drift-check again", never_ends, -ETIMEDOUT),
		LIFE("the stack was changed while it was checked", deleted_meanwhile, 0),
		LIFE("is not deployed", deleted_first, -ENXIO),
		LIFE("somebody else is changing the stack", busy_first, -EBUSY),
		LIFE("cannot be detected now", invalid, -EACCES),
		LIFE("somebody else is changing the stack", busy, -EBUSY),
		LIFE("detects no drift in this status", failed, -EIO),
		LIFE("is not deployed", absent, -ENXIO),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drift_is_detected),
		cmocka_unit_test(test_what_prevents_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
