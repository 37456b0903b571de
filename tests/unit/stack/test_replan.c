/* SPDX-License-Identifier: BSD-3-Clause */
/* replan against replies from a table; cloud.h has what else happens to each life. */
#include "cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define PLAN	    "vastfs-plan-a1b2-0123456789abcdef-0"
#define LEFT	    "vastfs-plan-a1b2-fedcba9876543210-0"
#define SETS(...)   SAYS("ListChangeSets", "{\"Summaries\":[" __VA_ARGS__ "]}")
#define NAMED(name) "{\"ChangeSetName\":\"" name "\"}"
#define SET(status, reason)                                                                                    \
	SAYS("DescribeChangeSet",                                                                              \
	     "{\"Status\":\"" status "\",\"StatusReason\":\"" reason "\",\"Changes\":[{\"Type\":\"Resource\"," \
	     "\"ResourceChange\":{\"Action\":\"Add\",\"LogicalResourceId\":\"Function\",\"ResourceType\":"     \
	     "\"AWS::Lambda::Function\"}}]}")
#define MADE SET("CREATE_IN_PROGRESS", ""), SET("CREATE_COMPLETE", "")
#define READY                                                                                         \
	SAYS("DescribeStacks",                                                                        \
	     CLOUD_STACK("UPDATE_COMPLETE", "\"Parameters\":[{\"ParameterKey\":\"AvailabilityZone\"," \
					    "\"ParameterValue\":\"eu-west-1a\"},{\"ParameterKey\":"   \
					    "\"ServerCpu\",\"ParameterValue\":\"4096\"}],"))
#define IMAGE                                                                                             \
	SAYS("GetAuthorizationToken", "{\"authorizationData\":[{\"proxyEndpoint\":\"https://r.example\"," \
				      "\"authorizationToken\":\"c2VjcmV0\"}]}"),                          \
		SAYS("GetImage", "{\"digest\":\"sha256:1\"}")
#define THE_REST  VPC, NO_STORAGE, NO_REPOSITORY, SAYS("GetServiceQuota", "{}"), SAYS("DescribeNatGateways", "{}")
#define IN_REVIEW STACKS("REVIEW_IN_PROGRESS")

static const struct cloud_reply planned[] = {READY, SETS(), MADE, VPC, STORAGE("x"), REPOSITORY("x"), IMAGE, END};
static const struct cloud_reply planned_again[] = {READY, SETS(NAMED(LEFT) "," NAMED("theirs")), MADE, THE_REST, END};
static const struct cloud_reply nothing_changes[] = {
	READY, SETS(), SET("FAILED", "The submitted information didn't contain changes."), THE_REST, END};
static const struct cloud_reply refused[] = {READY, SETS(), SET("FAILED", "a parameter is wrong"), THE_REST, END};
static const struct cloud_reply planned_first[] = {
	NO_STACK, IN_REVIEW,  IN_REVIEW, IN_REVIEW, STACKS("DELETE_IN_PROGRESS"), NO_STACK, SETS(NAMED(PLAN)),
	MADE,	  OLD_EVENTS, THE_REST,	 END};
static const struct cloud_reply planned_beside_others[] = {
	NO_STACK, IN_REVIEW,  SETS(NAMED(PLAN)), SETS(NAMED(PLAN) "," NAMED("vastfs-theirs")),
	MADE,	  OLD_EVENTS, THE_REST,		 END};
static const struct cloud_reply review_stays[] = {
	NO_STACK,	   IN_REVIEW, IN_REVIEW,  IN_REVIEW, STACKS("CREATE_COMPLETE"),
	SETS(NAMED(PLAN)), MADE,      OLD_EVENTS, THE_REST,  END};
static const struct cloud_reply deleted_by_another[] = {
	NO_STACK, IN_REVIEW, IN_REVIEW, STACKS("DELETE_IN_PROGRESS"), STACKS("DELETE_COMPLETE"), SETS(NAMED(PLAN)),
	MADE,	  THE_REST,  END};
static const struct cloud_reply raced[] = {READY,
					   READY,
					   SETS(),
					   MADE,
					   THE_REST,
					   REFUSES("CreateChangeSet", "ValidationError", "UPDATE_IN_PROGRESS"),
					   SAYS("CreateChangeSet", "{}"),
					   END};
static const struct cloud_reply raced_by_update[] = {
	READY,
	READY,
	STACKS("UPDATE_IN_PROGRESS"),
	SETS(),
	MADE,
	THE_REST,
	REFUSES("CreateChangeSet", "ValidationError", "UPDATE_IN_PROGRESS"),
	END};
static const struct cloud_reply raced_always[] = {
	READY, SETS(), MADE, THE_REST, REFUSES("CreateChangeSet", "ValidationError", "UPDATE_IN_PROGRESS"), END};
static const struct cloud_reply raced_by_deletion[] = {NO_STACK, SETS(), MADE, THE_REST, END};
/* The empty stack of a colleague's plan, which is being deleted: it has no tags. */
#define THEIRS                 \
	SAYS("DescribeStacks", \
	     "{\"Stacks\":[{\"StackId\":\"" CLOUD_STACK_ID "\",\"StackStatus\":\"DELETE_IN_PROGRESS\"}]}")
static const struct cloud_reply after_deletion[] = {NO_STACK,
						    THEIRS,
						    THEIRS,
						    THEIRS,
						    THEIRS,
						    NO_STACK,
						    NO_STACK,
						    IN_REVIEW,
						    IN_REVIEW,
						    IN_REVIEW,
						    STACKS("DELETE_IN_PROGRESS"),
						    NO_STACK,
						    SETS(NAMED(PLAN)),
						    MADE,
						    OLD_EVENTS,
						    THE_REST,
						    END};
static const struct cloud_reply busy[] = {STACKS("UPDATE_IN_PROGRESS"), SETS(), END};
static const struct cloud_reply stuck[] = {STACKS("ROLLBACK_COMPLETE"), SETS(), END};

#define LIFE(words_, replies_, result_, writes_, ...)                                                                \
	{                                                                                                            \
		.name = #replies_, .run = operation_replan, .words = words_, .replies = replies_, .result = result_, \
		.writes = writes_,                                                                                   \
		.optional = "DescribeVpcBlockPublicAccessOptions DescribeVpcBlockPublicAccessExclusions "            \
			    "DescribeDhcpOptions "                                                                   \
			    "GetServiceQuota DescribeNatGateways ",                                                  \
		__VA_ARGS__                                                                                          \
	}

static void test_a_plan(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("stack/plan has the exact plan", planned, 0, "CreateChangeSet DeleteChangeSet"),
		LIFE("server_cpu", planned_again, 0, "DeleteChangeSet CreateChangeSet DeleteChangeSet"),
		LIFE("nothing to change", nothing_changes, 0, "CreateChangeSet DeleteChangeSet"),
		LIFE("stack/plan has the exact plan", planned, 0, "CreateChangeSet DeleteChangeSet",
		     .settings = "vast_storage=ephemeral\n"),
		LIFE("makes no change set in this status", stuck, 0, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_a_plan_of_a_new_stack(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("stack/plan has the exact plan", planned_first, 0, "CreateChangeSet DeleteStack"),
		LIFE("stack/plan has the exact plan", planned_beside_others, 0, "CreateChangeSet DeleteChangeSet"),
		LIFE("was not deleted: it is CREATE_COMPLETE", review_stays, -EIO, "CreateChangeSet DeleteStack"),
		LIFE("stack/plan has the exact plan", deleted_by_another, 0, "CreateChangeSet"),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_a_plan_while_others_work(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("stack/plan has the exact plan", raced, 0,
		     "CreateChangeSet DeleteChangeSet CreateChangeSet DeleteChangeSet",
		     .also = "DescribeStacks DeleteChangeSet "),
		LIFE("somebody else is changing the stack", raced_by_update, -EBUSY, "CreateChangeSet DeleteChangeSet"),
		LIFE("UPDATE_IN_PROGRESS", raced_always, -EACCES,
		     "CreateChangeSet DeleteChangeSet CreateChangeSet DeleteChangeSet CreateChangeSet DeleteChangeSet"),
		LIFE("refused the change set: a parameter is wrong", refused, -EIO, "CreateChangeSet DeleteChangeSet"),
		LIFE("somebody else deleted the empty stack", raced_by_deletion, -ENOENT,
		     "CreateChangeSet CreateChangeSet CreateChangeSet"),
		LIFE("stack/plan has the exact plan", after_deletion, 0,
		     "CreateChangeSet DeleteChangeSet CreateChangeSet DeleteStack",
		     .also = "DescribeStacks DeleteChangeSet "),
		LIFE("somebody else is changing the stack", busy, -EBUSY, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plan),
		cmocka_unit_test(test_a_plan_of_a_new_stack),
		cmocka_unit_test(test_a_plan_while_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
