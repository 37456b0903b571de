/* SPDX-License-Identifier: BSD-3-Clause */
/* Destroy against replies from a table; cloud.h has what else happens to each life. */
#include "cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* What most lives find beside the stack. */
#define THE_REST RESOURCES, NO_SERVERS, NO_INTERFACES, REPOSITORY("x"), FUNCTION("\"subnet-1\"")

/* What delays the deletion is removed as far as it can be, and an event that cannot be read is no reason to stop. */
#define OPTIONAL                                                                                    \
	"ListTasks GetFunctionConfiguration UpdateFunctionConfiguration DescribeNetworkInterfaces " \
	"DeleteNetworkInterface DescribeStackResources DescribeServices DescribeStackEvents DeleteService "
#define DELETES "DeleteStack UpdateFunctionConfiguration DeleteStack"

static const struct cloud_reply there[] = {STACKS("UPDATE_COMPLETE"),
					   STACKS("DELETE_IN_PROGRESS"),
					   STACKS("DELETE_COMPLETE"),
					   NO_STACK,
					   RESOURCES,
					   NO_SERVERS,
					   FUNCTION("\"subnet-1\""),
					   INTERFACES("in-use"),
					   INTERFACES("available"),
					   NO_INTERFACES,
					   OLD_EVENTS,
					   EVENTS("DELETE_COMPLETE", ""),
					   REPOSITORY("x"),
					   STORAGE("x"),
					   END};
static const struct cloud_reply absent[] = {NO_STACK, NO_REPOSITORY, NO_STORAGE, END};
static const struct cloud_reply absent_foreign[] = {NO_STACK, REPOSITORY("theirs"), NO_STORAGE, END};
static const struct cloud_reply deleted_before[] = {
	STACKS("DELETE_COMPLETE"), NO_STACK, NO_REPOSITORY, NO_STORAGE, RESOURCES, NO_SERVERS, END};
static const struct cloud_reply being_deployed[] = {STACKS("UPDATE_IN_PROGRESS"), END};
static const struct cloud_reply being_deleted[] = {STACKS("DELETE_IN_PROGRESS"),
						   STACKS("DELETE_IN_PROGRESS"),
						   STACKS("DELETE_COMPLETE"),
						   NO_STACK,
						   EVENTS("DELETE_COMPLETE", ""),
						   NO_STORAGE,
						   THE_REST,
						   END};
static const struct cloud_reply rolling_back[] = {STACKS("ROLLBACK_IN_PROGRESS"),
						  STACKS("ROLLBACK_COMPLETE"),
						  STACKS("DELETE_IN_PROGRESS"),
						  STACKS("DELETE_COMPLETE"),
						  NO_STACK,
						  EVENTS("CREATE_FAILED", "no"),
						  NO_STORAGE,
						  THE_REST,
						  END};
static const struct cloud_reply undeletable[] = {STACKS("UPDATE_COMPLETE"),
						 STACKS("DELETE_FAILED"),
						 OLD_EVENTS,
						 EVENTS("DELETE_FAILED", "it is in use"),
						 OLD_EVENTS,
						 EVENTS("DELETE_FAILED", "it is in use"),
						 OLD_EVENTS,
						 EVENTS("DELETE_FAILED", "it is in use"),
						 NO_STORAGE,
						 THE_REST,
						 END};
static const struct cloud_reply never_deleted[] = {
	STACKS("UPDATE_COMPLETE"), OLD_EVENTS, RESOURCES, NO_SERVERS, FUNCTION(""), NO_INTERFACES, END};
static const struct cloud_reply raced[] = {STACKS("UPDATE_COMPLETE"),
					   STACKS("UPDATE_IN_PROGRESS"),
					   SAYS("DeleteStack", "{}"),
					   REFUSES("DeleteStack", "OperationInProgressException", "in progress"),
					   OLD_EVENTS,
					   THE_REST,
					   END};
static const struct cloud_reply raced_and_over[] = {
	STACKS("UPDATE_COMPLETE"),
	SAYS("DeleteStack", "{}"),
	REFUSES("DeleteStack", "OperationInProgressException", "in progress"),
	OLD_EVENTS,
	RESOURCES,
	NO_SERVERS,
	NO_INTERFACES,
	FUNCTION("\"subnet-1\""),
	FUNCTION("\"subnet-1\""),
	FUNCTION(""),
	END};
static const struct cloud_reply forbidden[] = {STACKS("UPDATE_COMPLETE"),
					       REFUSES("DeleteStack", "AccessDenied", "you are not authorized"), END};
static const struct cloud_reply stuck_outside[] = {
	STACKS("UPDATE_COMPLETE"),
	SAYS("DeleteStack", "{}"),
	REFUSES("DeleteStack", "AccessDenied", "you are not authorized"),
	OLD_EVENTS,
	RESOURCES,
	NO_SERVERS,
	NO_INTERFACES,
	FUNCTION("\"subnet-1\""),
	FUNCTION("\"subnet-1\""),
	FUNCTION(""),
	REFUSES("GetFunctionConfiguration", "ResourceNotFoundException", "no function"),
	END};
static const struct cloud_reply waiting[] = {STACKS("UPDATE_COMPLETE"),
					     STACKS("DELETE_COMPLETE"),
					     NO_STACK,
					     OLD_EVENTS,
					     NO_REPOSITORY,
					     NO_STORAGE,
					     INTERFACES("in-use"),
					     RESOURCES,
					     NO_SERVERS,
					     FUNCTION("\"subnet-1\""),
					     FUNCTION("\"subnet-1\""),
					     FUNCTION(""),
					     END};
static const struct cloud_reply created_again[] = {STACKS("UPDATE_COMPLETE"),
						   STACKS("DELETE_COMPLETE"),
						   STACKS("CREATE_COMPLETE"),
						   OLD_EVENTS,
						   EVENTS("DELETE_COMPLETE", ""),
						   NO_STORAGE,
						   THE_REST,
						   END};
static const struct cloud_reply purged[] = {NO_STACK,	  NO_REPOSITORY,
					    STORAGE("x"), STORAGE("x"),
					    NO_STORAGE,	  SAYS("DescribeMountTargets", "{\"MountTargets\":[]}"),
					    END};
static const struct cloud_reply purged_by_others[] = {
	NO_STACK,
	NO_REPOSITORY,
	STORAGE("x"),
	REFUSES("DescribeFileSystems", "FileSystemNotFound", "no such file system"),
	SAYS("DescribeMountTargets", "{\"MountTargets\":[]}"),
	REFUSES("DeleteFileSystem", "FileSystemNotFound", "no such file system"),
	END};
static const struct cloud_reply purge_of_nothing[] = {NO_STACK, NO_REPOSITORY, NO_STORAGE, END};
static const struct cloud_reply purge_of_foreign[] = {NO_STACK, NO_REPOSITORY, STORAGE("theirs"), END};
static const struct cloud_reply purge_of_mounted[] = {
	NO_STACK, NO_REPOSITORY, STORAGE("x"),
	SAYS("DescribeMountTargets", "{\"MountTargets\":[{\"MountTargetId\":\"fsmt-1\",\"VpcId\":\"vpc-1\"}]}"), END};
static const struct cloud_reply purge_under_stack[] = {NO_STACK, NO_STACK, STACKS("CREATE_IN_PROGRESS"), NO_REPOSITORY,
						       END};

#define LISTS(arn) SAYS("ListServices", "{\"serviceArns\":[7,\"" arn "\"]}")
#define OURS	   "arn:aws:ecs:eu-west-1:123456789012:service/vast-x/vast-server"
static const struct cloud_reply with_service[] = {STACKS("UPDATE_COMPLETE"),
						  STACKS("DELETE_COMPLETE"),
						  NO_STACK,
						  OLD_EVENTS,
						  EVENTS("DELETE_COMPLETE", ""),
						  SERVICE("ACTIVE", "0", "x"),
						  SERVICE("ACTIVE", "0", "x"),
						  SERVICE("DRAINING", "0", "x"),
						  SERVICE("DRAINING", "0", "x"),
						  LISTS(OURS),
						  NO_STORAGE,
						  THE_REST,
						  END};
static const struct cloud_reply service_vanished[] = {
	STACKS("UPDATE_COMPLETE"),
	STACKS("DELETE_COMPLETE"),
	NO_STACK,
	OLD_EVENTS,
	SERVICE("ACTIVE", "0", "x"),
	SERVICE("ACTIVE", "0", "x"),
	REFUSES("DeleteService", "ServiceNotFoundException", "no service"),
	REFUSES("DescribeServices", "ClusterNotFoundException", "no cluster"),
	LISTS(OURS),
	NO_STORAGE,
	THE_REST,
	END};
static const struct cloud_reply no_cluster[] = {STACKS("UPDATE_COMPLETE"),
						STACKS("DELETE_COMPLETE"),
						NO_STACK,
						OLD_EVENTS,
						REFUSES("DescribeServices", "ClusterNotFoundException", "no cluster"),
						NO_STORAGE,
						THE_REST,
						END};
static const struct cloud_reply foreign_service[] = {
	STACKS("UPDATE_COMPLETE"), LISTS("arn:aws:ecs:eu-west-1:1:service/vast-x/theirs"), THE_REST, END};

#define LIFE(words_, replies_, result_, writes_, ...)                                                                 \
	{                                                                                                             \
		.name = #replies_, .run = operation_destroy, .words = words_, .replies = replies_, .result = result_, \
		.writes = writes_, .optional = OPTIONAL, __VA_ARGS__                                                  \
	}

static void test_the_stack_goes_and_the_database_stays(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("the database is kept on the file system fs-1", there, 0,
		     "DeleteStack UpdateFunctionConfiguration DeleteNetworkInterface DeleteStack DeleteRepository"),
		LIFE("no stack was deployed", absent, 0, ""),
		LIFE("no stack was deployed", absent_foreign, 0, ""),
		LIFE("vast-x is deleted", deleted_before, 0, "DeleteStack",
		     .memory = "{\"stack\":\"" CLOUD_STACK_ID "\"}"),
		LIFE("vast-x is deleted", being_deleted, 0, "DeleteStack DeleteRepository"),
		LIFE("vast-x is deleted", rolling_back, 0, DELETES " DeleteRepository"),
		LIFE("vast-x is deleted", with_service, 0,
		     "DeleteStack DeleteService UpdateFunctionConfiguration DeleteStack DeleteRepository"),
		LIFE("vast-x is deleted", service_vanished, 0,
		     "DeleteStack DeleteService UpdateFunctionConfiguration DeleteStack DeleteRepository",
		     .also = "DescribeStacks "),
		LIFE("vast-x is deleted", no_cluster, 0, DELETES " DeleteRepository", .also = "DescribeStacks "),
		LIFE("the image repository is kept", created_again, 0, DELETES),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_what_prevents_it_is_told(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("has the ECS service theirs, which vastfs did not create", foreign_service, -EBUSY, "DeleteStack"),
		LIFE("somebody else is deploying the stack vast-x", being_deployed, -EBUSY, ""),
		LIFE("DELETE_FAILED: it is in use", undeletable, -EIO,
		     DELETES " UpdateFunctionConfiguration DeleteStack UpdateFunctionConfiguration DeleteStack"),
		LIFE("the stack vast-x is UPDATE_COMPLETE after 10 deletions that AWS accepted", never_deleted, -EIO,
		     "DeleteStack"
		     " DeleteStack DeleteStack DeleteStack DeleteStack DeleteStack"
		     " DeleteStack DeleteStack DeleteStack DeleteStack DeleteStack UpdateFunctionConfiguration"),
		LIFE("somebody else is deploying the stack vast-x", raced, -EBUSY, DELETES),
		LIFE("in progress", raced_and_over, -EACCES, DELETES " UpdateFunctionConfiguration"),
		LIFE("you are not authorized", forbidden, -EACCES, "DeleteStack"),
		LIFE("could not be put back into its VPC", stuck_outside, -EIO, DELETES),
		LIFE("the function is in its VPC again", waiting, -ECANCELED,
		     "DeleteStack UpdateFunctionConfiguration UpdateFunctionConfiguration", .cancel_at = 4),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_purge(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE("fs-1 and the database on it are deleted", purged, 0, "DeleteFileSystem", .argument = "purge"),
		LIFE("are deleted", purged_by_others, 0, "DeleteFileSystem", .argument = "purge"),
		LIFE("no stack was deployed", purge_of_nothing, 0, "", .argument = "purge"),
		LIFE("vastfs did not create it", purge_of_foreign, -EEXIST, "", .argument = "purge"),
		LIFE("still has the mount target fsmt-1 in VPC vpc-1", purge_of_mounted, -EBUSY, "",
		     .argument = "purge"),
		LIFE("a stack vast-x exists again", purge_under_stack, -EBUSY, "", .argument = "purge"),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_stack_goes_and_the_database_stays),
		cmocka_unit_test(test_what_prevents_it_is_told),
		cmocka_unit_test(test_purge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
