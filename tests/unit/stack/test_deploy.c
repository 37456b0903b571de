/* SPDX-License-Identifier: BSD-3-Clause */
/* What deploy does to the stack, against replies from a table; cloud.h has what else happens to each life. */
#include "cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* What stack_token() makes of the operation's token, the first attempt and the stack's ID. */
#define TOKEN "vastfs-ExecuteChangeSet-3a9bb4351161300fa450ff96a2de8301"
#define EVENT(id, status, reason, token)                                                                    \
	"{\"EventId\":\"" id "\",\"LogicalResourceId\":\"vast-x\",\"PhysicalResourceId\":\"" CLOUD_STACK_ID \
	"\",\"StackId\":\"" CLOUD_STACK_ID                                                                  \
	"\",\"ResourceType\":\"AWS::CloudFormation::Stack\",\"ResourceStatus\":\"" status                   \
	"\",\"ResourceStatusReason\":\"" reason "\",\"ClientRequestToken\":\"" token "\"}"
#define FAILURE(reason)                                                                                                \
	"{\"EventId\":\"e8\",\"LogicalResourceId\":\"Function\",\"ResourceType\":\"AWS::Lambda::Function\","           \
	"\"ResourceStatus\":\"CREATE_FAILED\",\"ResourceStatusReason\":\"" reason "\",\"ClientRequestToken\":\"" TOKEN \
	"\"}"
#define PAGE(...)   SAYS("DescribeStackEvents", "{\"StackEvents\":[" __VA_ARGS__ "]}")
#define OUR_START   EVENT("e7", "UPDATE_IN_PROGRESS", "User Initiated", TOKEN)
#define THEIR_START EVENT("e9", "UPDATE_IN_PROGRESS", "User Initiated", "theirs")
#define SET(status, execution, more)                                                                              \
	SAYS("DescribeChangeSet",                                                                                 \
	     "{\"ChangeSetId\":\"arn:set\",\"Status\":\"" status "\",\"ExecutionStatus\":\"" execution "\"," more \
	     "\"Changes\":[{\"ResourceChange\":{\"Action\":\"Modify\","                                           \
	     "\"LogicalResourceId\":\"Function\",\"ResourceType\":\"AWS::Lambda::Function\"}}]}")
#define MADE	SET("CREATE_IN_PROGRESS", "UNAVAILABLE", ""), SET("CREATE_COMPLETE", "AVAILABLE", "")
#define REVIEW	SAYS("ListChangeSets", "{\"Summaries\":[{\"ChangeSetName\":\"vastfs-0123456789abcdef-0\"}]}")
#define READY	CLOUD_STACK("UPDATE_COMPLETE", "")
#define RUNNING STACKS("UPDATE_IN_PROGRESS")

#define LIFE(run_, words_, replies_, result_, writes_, ...)                                              \
	{                                                                                                \
		.name = #replies_, .run = run_, .words = words_, .replies = replies_, .result = result_, \
		.writes = writes_,                                                                       \
		.optional = "DescribeEvents ListChangeSets DeleteChangeSet DescribeNetworkInterfaces "   \
			    "DescribeStackResources "                                                    \
			    "GetFunctionConfiguration ",                                                 \
		__VA_ARGS__                                                                              \
	}

/* -- the change set ------------------------------------------------------------------------------------------------ */

static const struct cloud_reply updated[] = {
	STACKS("UPDATE_COMPLETE"), RUNNING, STACKS("UPDATE_COMPLETE"), MADE, NO_SERVERS, OLD_EVENTS,
	PAGE(OUR_START),	   END};
static const struct cloud_reply empty[] = {
	STACKS("UPDATE_COMPLETE"),
	SET("FAILED", "UNAVAILABLE", "\"StatusReason\":\"The submitted information didn't contain changes.\","), END};
static const struct cloud_reply refused[] = {
	STACKS("UPDATE_COMPLETE"), SET("FAILED", "UNAVAILABLE", "\"StatusReason\":\"a parameter is wrong\","),
	SAYS("DescribeEvents", "{\"OperationEvents\":[{\"LogicalResourceId\":\"Function\"},{\"LogicalResourceId\":"
			       "\"Function\",\"ValidationStatusReason\":\"too large\"}]}"),
	END};
static const struct cloud_reply rolled_back[] = {STACKS("UPDATE_COMPLETE"),
						 RUNNING,
						 STACKS("UPDATE_ROLLBACK_COMPLETE"),
						 MADE,
						 NO_SERVERS,
						 OLD_EVENTS,
						 PAGE(FAILURE("no room") "," OUR_START),
						 END};
static const struct cloud_reply deleted_meanwhile[] = {
	STACKS("UPDATE_COMPLETE"), RUNNING, NO_STACK, MADE, NO_SERVERS, OLD_EVENTS, PAGE(OUR_START), END};
static const struct cloud_reply undeletable[] = {STACKS("UPDATE_COMPLETE"),
						 RUNNING,
						 STACKS("DELETE_FAILED"),
						 MADE,
						 NO_SERVERS,
						 OLD_EVENTS,
						 PAGE(FAILURE("it is used") "," OUR_START),
						 END};
static const struct cloud_reply deleted_before[] = {
	STACKS("UPDATE_COMPLETE"),
	MADE,
	NO_SERVERS,
	OLD_EVENTS,
	REFUSES("ExecuteChangeSet", "ValidationError", "Stack [x] does not exist"),
	END};
static const struct cloud_reply made_before[] = {
	STACKS("UPDATE_COMPLETE"),
	RUNNING,
	STACKS("UPDATE_COMPLETE"),
	MADE,
	NO_SERVERS,
	OLD_EVENTS,
	PAGE(OUR_START),
	REFUSES("CreateChangeSet", "AlreadyExistsException", "it exists"),
	REFUSES("ExecuteChangeSet", "TokenAlreadyExistsException", "the token was used"),
	END};
static const struct cloud_reply executed_before[] = {
	STACKS("UPDATE_COMPLETE"),
	STACKS("UPDATE_COMPLETE"),
	RUNNING,
	STACKS("UPDATE_COMPLETE"),
	MADE,
	NO_SERVERS,
	OLD_EVENTS,
	PAGE(OUR_START),
	REFUSES("ExecuteChangeSet", "InvalidChangeSetStatus", "it is executed"),
	END};
static const struct cloud_reply others_won[] = {STACKS("UPDATE_COMPLETE"),
						RUNNING,
						RUNNING,
						RUNNING,
						STACKS("UPDATE_COMPLETE"),
						MADE,
						SET("CREATE_COMPLETE", "OBSOLETE", ""),
						NO_SERVERS,
						OLD_EVENTS,
						PAGE(THEIR_START ",{\"EventId\":\"e0\"}"),
						REFUSES("ExecuteChangeSet", "InvalidChangeSetStatus", "it is obsolete"),
						END};
static const struct cloud_reply no_cluster[] = {
	STACKS("UPDATE_COMPLETE"), MADE, REFUSES("DescribeServices", "ClusterNotFoundException", "Cluster not found."),
	END};

static void test_an_update(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(stack_apply, "", updated, 0, "CreateChangeSet ExecuteChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "nothing to change", empty, 0, "CreateChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "refused the change set: a parameter is wrong", refused, -EIO,
		     "CreateChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "Function (AWS::Lambda::Function) CREATE_FAILED: no room", rolled_back, -EIO,
		     "CreateChangeSet ExecuteChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "was deleted by somebody else while it was being updated", deleted_meanwhile, -EIO,
		     "CreateChangeSet ExecuteChangeSet", .stack = READY),
		LIFE(stack_apply, "somebody else began to delete the stack", undeletable, -EIO,
		     "CreateChangeSet ExecuteChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "was deleted by somebody else", deleted_before, -EIO,
		     "CreateChangeSet ExecuteChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "", made_before, 0, "CreateChangeSet ExecuteChangeSet DeleteChangeSet",
		     .stack = READY),
		LIFE(stack_apply, "", executed_before, 0, "CreateChangeSet ExecuteChangeSet DeleteChangeSet",
		     .stack = READY, .also = "DescribeStacks DescribeStackEvents DescribeChangeSet "),
		LIFE(stack_apply, "they differ in", others_won, -EBUSY,
		     "CreateChangeSet ExecuteChangeSet DeleteChangeSet", .stack = READY),
		LIFE(stack_apply, "the ECS cluster vast-x of the stack vast-x was deleted outside", no_cluster, -EIO,
		     "CreateChangeSet DeleteChangeSet", .stack = READY),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- creating ------------------------------------------------------------------------------------------------------ */

static void create(struct operation *op)
{
	op->created = true;
}

static const struct cloud_reply created[] = {STACKS("REVIEW_IN_PROGRESS"),
					     STACKS("CREATE_IN_PROGRESS"),
					     STACKS("CREATE_COMPLETE"),
					     REVIEW,
					     MADE,
					     OLD_EVENTS,
					     PAGE(OUR_START),
					     END};
static const struct cloud_reply create_refused[] = {
	STACKS("REVIEW_IN_PROGRESS"),
	REVIEW,
	OLD_EVENTS,
	SAYS("DescribeEvents", "{}"),
	SET("FAILED", "UNAVAILABLE", "\"StatusReason\":\"a parameter is wrong\","),
	END};
static const struct cloud_reply create_beside_others[] = {
	STACKS("REVIEW_IN_PROGRESS"),
	REVIEW,
	SAYS("ListChangeSets", "{\"Summaries\":[{\"ChangeSetName\":\"vastfs-0123456789abcdef-0\"},{\"ChangeSetName\":"
			       "\"vastfs-another\"}]}"),
	OLD_EVENTS,
	SAYS("DescribeEvents", "{}"),
	SET("FAILED", "UNAVAILABLE", "\"StatusReason\":\"a parameter is wrong\","),
	END};
static const struct cloud_reply create_in_foreign[] = {
	STACKS("REVIEW_IN_PROGRESS"), SAYS("ListChangeSets", "{\"Summaries\":[{\"ChangeSetName\":\"theirs\"}]}"), END};
#define NOT_KNOWN "The role defined for the function cannot be assumed by Lambda."
static const struct cloud_reply created_again[] = {STACKS("REVIEW_IN_PROGRESS"),
						   STACKS("CREATE_IN_PROGRESS"),
						   STACKS("ROLLBACK_COMPLETE"),
						   STACKS("ROLLBACK_COMPLETE"),
						   STACKS("ROLLBACK_COMPLETE"),
						   STACKS("DELETE_COMPLETE"),
						   NO_STACK,
						   STACKS("REVIEW_IN_PROGRESS"),
						   STACKS("CREATE_IN_PROGRESS"),
						   STACKS("CREATE_COMPLETE"),
						   REVIEW,
						   MADE,
						   OLD_EVENTS,
						   PAGE(FAILURE(NOT_KNOWN) "," OUR_START),
						   OLD_EVENTS,
						   OLD_EVENTS,
						   OLD_EVENTS,
						   PAGE(OUR_START),
						   NO_SERVERS,
						   NO_INTERFACES,
						   SAYS("DescribeStackResources", "{\"StackResources\":[]}"),
						   END};

static void test_a_creation(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(stack_apply, "", created, 0, "CreateChangeSet ExecuteChangeSet DeleteChangeSet",
		     .prepare = create),
		LIFE(stack_apply, "a parameter is wrong", create_refused, -EIO,
		     "CreateChangeSet DeleteStack DeleteChangeSet", .prepare = create),
		LIFE(stack_apply, "a parameter is wrong", create_beside_others, -EIO, "CreateChangeSet DeleteChangeSet",
		     .prepare = create),
		LIFE(stack_apply, "vastfs did not create it", create_in_foreign, -EEXIST,
		     "CreateChangeSet DeleteChangeSet", .prepare = create),
		LIFE(stack_apply, "", created_again, 0,
		     "CreateChangeSet ExecuteChangeSet DeleteChangeSet DeleteStack CreateChangeSet ExecuteChangeSet "
		     "DeleteChangeSet",
		     .prepare = create, .also = "DescribeStacks DescribeStackEvents "),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- cancelling ---------------------------------------------------------------------------------------------------- */

static const struct cloud_reply cancelled[] = {RUNNING,
					       RUNNING,
					       STACKS("UPDATE_ROLLBACK_IN_PROGRESS"),
					       STACKS("UPDATE_ROLLBACK_COMPLETE"),
					       OLD_EVENTS,
					       PAGE(OUR_START),
					       RESOURCES,
					       NO_INTERFACES,
					       END};
static const struct cloud_reply cancelled_too_late[] = {
	RUNNING,
	STACKS("UPDATE_COMPLETE"),
	OLD_EVENTS,
	PAGE(OUR_START),
	REFUSES("CancelUpdateStack", "ValidationError", "it cannot be called from this state"),
	END};
static const struct cloud_reply cancel_refused[] = {RUNNING, OLD_EVENTS,
						    REFUSES("CancelUpdateStack", "Strange", "not today"), END};
static const struct cloud_reply cancel_failed[] = {RUNNING, STACKS("UPDATE_ROLLBACK_FAILED"), OLD_EVENTS,
						   PAGE(FAILURE("it is broken") "," OUR_START), END};
static const struct cloud_reply create_cancelled[] = {STACKS("CREATE_IN_PROGRESS"),
						      STACKS("DELETE_IN_PROGRESS"),
						      STACKS("DELETE_COMPLETE"),
						      OLD_EVENTS,
						      PAGE(OUR_START),
						      RESOURCES,
						      NO_INTERFACES,
						      END};

static void test_a_cancellation(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(stack_cancel, "the update was rolled back", cancelled, -ECANCELED, "CancelUpdateStack",
		     .stack = READY),
		LIFE(stack_cancel, "", cancelled_too_late, 0, "CancelUpdateStack", .stack = READY),
		LIFE(stack_cancel, "not today", cancel_refused, -EACCES, "CancelUpdateStack", .stack = READY),
		LIFE(stack_cancel, "the update could not be rolled back: ", cancel_failed, -EIO, "CancelUpdateStack",
		     .stack = READY),
		LIFE(stack_cancel, "the resources that had been created are deleted", create_cancelled, -ECANCELED,
		     "DeleteStack", .stack = READY, .prepare = create),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- after a crash ------------------------------------------------------------------------------------------------- */

#define TRIED                                                                                                       \
	"\"try\":\"0\",\"stack\":\"" CLOUD_STACK_ID "\",\"kind\":\"update\",\"ExecuteChangeSet\":\"1\",\"result\":" \
	"\"an image\\n\""
#define BEGUN	   "{" TRIED "}"
#define CANCELLING "{" TRIED ",\"cancel\":\"yes\"}"

static const struct cloud_reply resumed[] = {RUNNING,	      RUNNING, RUNNING, RUNNING, STACKS("UPDATE_COMPLETE"),
					     PAGE(OUR_START), END};
static const struct cloud_reply resumed_without_event[] = {RUNNING,
							   RUNNING,
							   RUNNING,
							   RUNNING,
							   STACKS("UPDATE_COMPLETE"),
							   PAGE(),
							   PAGE(OUR_START),
							   SET("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", ""),
							   END};
static const struct cloud_reply resumed_after_failure[] = {
	STACKS("UPDATE_COMPLETE"),
	PAGE(EVENT("e9", "UPDATE_ROLLBACK_COMPLETE", "", TOKEN) "," FAILURE("no room") "," OUR_START), END};
static const struct cloud_reply resumed_in_vain[] = {
	STACKS("UPDATE_COMPLETE"), PAGE(), REFUSES("DescribeChangeSet", "ChangeSetNotFound", "no such set"), END};
static const struct cloud_reply resumed_gone[] = {NO_STACK, END};
static const struct cloud_reply resumed_cancelling[] = {STACKS("UPDATE_ROLLBACK_COMPLETE"), PAGE(OUR_START), END};
static const struct cloud_reply nothing_begun[] = {END};

static void test_a_resumed_deploy(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(stack_resume, "an image", resumed, 0, "DeleteChangeSet", .memory = BEGUN),
		LIFE(stack_resume, "an image", resumed_without_event, 0, "DeleteChangeSet", .memory = BEGUN),
		LIFE(stack_resume, "UPDATE_ROLLBACK_COMPLETE: Function (AWS::Lambda::Function) CREATE_FAILED: no room",
		     resumed_after_failure, -EIO, "", .memory = BEGUN),
		LIFE(stack_resume, "", resumed_in_vain, 0, "", .memory = BEGUN),
		LIFE(stack_resume, "", resumed_gone, 0, "", .memory = BEGUN),
		LIFE(stack_resume, "the update was rolled back", resumed_cancelling, -ECANCELED, "",
		     .memory = CANCELLING),
		LIFE(stack_resume, "", nothing_begun, 0, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- the stack as deploy finds it ---------------------------------------------------------------------------------- */

static const struct cloud_reply deploy_refused[] = {STACKS("IMPORT_ROLLBACK_FAILED"), END};
static const struct cloud_reply being_destroyed[] = {STACKS("DELETE_IN_PROGRESS"), PAGE(THEIR_START), END};
static const struct cloud_reply others_deploy[] = {STACKS("CREATE_IN_PROGRESS"), STACKS("CREATE_IN_PROGRESS"),
						   STACKS("CREATE_COMPLETE"), PAGE(THEIR_START), END};
static const struct cloud_reply others_failed[] = {STACKS("CREATE_IN_PROGRESS"), STACKS("ROLLBACK_COMPLETE"),
						   PAGE(FAILURE("no room") "," THEIR_START), END};
static const struct cloud_reply others_deleted[] = {STACKS("UPDATE_IN_PROGRESS"), NO_STACK, PAGE(THEIR_START), END};
static const struct cloud_reply always_busy[] = {STACKS("UPDATE_ROLLBACK_IN_PROGRESS"),
						 STACKS("UPDATE_ROLLBACK_COMPLETE"),
						 STACKS("UPDATE_ROLLBACK_IN_PROGRESS"),
						 STACKS("IMPORT_ROLLBACK_FAILED"),
						 PAGE(THEIR_START),
						 RESOURCES,
						 NO_INTERFACES,
						 END};
static const struct cloud_reply rollback_fails[] = {
	STACKS("UPDATE_ROLLBACK_FAILED"), OLD_EVENTS, PAGE(FAILURE("it is broken") "," OUR_START),
	SAYS("DescribeStackResources", "{\"StackResources\":[{\"LogicalResourceId\":\"Function\",\"ResourceStatus\":"
				       "\"UPDATE_FAILED\"}]}"),
	END};
static const struct cloud_reply rollback_by_others[] = {
	STACKS("UPDATE_ROLLBACK_FAILED"), STACKS("IMPORT_ROLLBACK_FAILED"), OLD_EVENTS,
	REFUSES("ContinueUpdateRollback", "ValidationError", "it is in progress"), END};
static const struct cloud_reply undeletable_first[] = {STACKS("ROLLBACK_COMPLETE"),
						       REFUSES("DeleteStack", "AccessDenied", "you may not"), END};
/* This deploy had begun to delete the remains of a stack before vastfs ended. */
#define OUR_DELETION \
	EVENT("e5", "DELETE_IN_PROGRESS", "User Initiated", "vastfs-DeleteStack-5096fba62fb80f0febeafa466fc11f65")
static const struct cloud_reply deleting_first[] = {STACKS("DELETE_IN_PROGRESS"),
						    STACKS("DELETE_IN_PROGRESS"),
						    STACKS("DELETE_COMPLETE"),
						    NO_STACK,
						    PAGE(OUR_DELETION),
						    REFUSES("DescribeVpcs", "InvalidVpcID.NotFound", "not found"),
						    END};
static const struct cloud_reply finished[] = {RUNNING,
					      RUNNING,
					      RUNNING,
					      RUNNING,
					      STACKS("UPDATE_COMPLETE"),
					      PAGE(OUR_START),
					      NO_SERVERS,
					      FUNCTION("\"subnet-1\""),
					      END};

static void test_what_deploy_finds(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(operation_deploy, "AWS refuses updates in this status", deploy_refused, -EIO, ""),
		LIFE(operation_deploy, "somebody else is destroying the stack", being_destroyed, -EBUSY, ""),
		LIFE(operation_deploy, "they differ in", others_deploy, -EBUSY, ""),
		LIFE(operation_deploy, "the deploy that was running failed", others_failed, -EIO, ""),
		LIFE(operation_deploy, "left no usable stack: vast-x is deleted", others_deleted, -EIO, ""),
		LIFE(operation_deploy, "AWS refuses updates in this status", always_busy, -EIO, ""),
		LIFE(operation_deploy, "failed again because of Function", rollback_fails, -EIO,
		     "ContinueUpdateRollback"),
		LIFE(operation_deploy, "AWS refuses updates in this status", rollback_by_others, -EIO,
		     "ContinueUpdateRollback"),
		LIFE(operation_deploy, "vpc-12345678", deleting_first, -EINVAL, "",
		     .memory = "{\"DeleteStack\":\"1\"}"),
		LIFE(operation_deploy, "you may not", undeletable_first, -EACCES, "DeleteStack"),
		LIFE(operation_deploy, "no server is running, touch control/run-task", finished, 0, "DeleteChangeSet",
		     .memory = BEGUN),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_update),	  cmocka_unit_test(test_a_creation),
		cmocka_unit_test(test_a_cancellation),	  cmocka_unit_test(test_a_resumed_deploy),
		cmocka_unit_test(test_what_deploy_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
