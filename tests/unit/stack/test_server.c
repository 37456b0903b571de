/* SPDX-License-Identifier: BSD-3-Clause */
/* run-task, restart-task and stop-all-tasks against replies from a table; cloud.h has what else happens to each life.
 */
#include "cloud.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define ALONE		 "server_restart=never\n" /* the server runs without a service */
#define ARN(id)		 "arn:aws:ecs:eu-west-1:123456789012:task/vast-x/" id
#define LISTED(id)	 SAYS("ListTasks RUNNING", "{\"taskArns\":[\"" ARN(id) "\"]}")
#define LISTED_TWO(a, b) SAYS("ListTasks RUNNING", "{\"taskArns\":[\"" ARN(a) "\",\"" ARN(b) "\"]}")
#define NOT_LISTED	 SAYS("ListTasks RUNNING", "{\"taskArns\":[]}")
#define NO_STOPPED	 SAYS("ListTasks STOPPED", "{\"taskArns\":[]}")
#define RECORD(id, group, created, desired, last, more)                                                       \
	"{\"taskArn\":\"" ARN(id) "\",\"group\":\"" group "\",\"taskDefinitionArn\":\"arn:aws:ecs:eu-west-1:" \
				  "123456789012:task-definition/vast-x:1\",\"createdAt\":" created            \
				  ",\"desiredStatus\":\"" desired "\","                                       \
				  "\"lastStatus\":\"" last "\"," more                                         \
				  "\"attachments\":[{\"details\":[{\"name\":\"subnetId\",\"value\":\"s\"},"   \
				  "{\"name\":\"privateIPv4Address\",\"value\":\"10.0.1.9\"}]}]}"
#define CONTAINER(health)   "\"containers\":[{\"name\":\"vast-server\",\"healthStatus\":\"" health "\"}],"
#define TASKS(...)	    SAYS("DescribeTasks", "{\"tasks\":[" __VA_ARGS__ "]}")
#define OF_NONE		    "family:vast-x"
#define OF_OURS		    "service:vast-server"
#define PENDING(id, group)  RECORD(id, group, "1900000000", "RUNNING", "PENDING", "")
#define SILENT(id, group)   RECORD(id, group, "1900000000", "RUNNING", "RUNNING", CONTAINER("UNKNOWN"))
#define HEALTHY(id, group)  RECORD(id, group, "1900000000", "RUNNING", "RUNNING", CONTAINER("HEALTHY"))
#define OLDER(id, group)    RECORD(id, group, "1700000000", "RUNNING", "RUNNING", CONTAINER("HEALTHY"))
#define STOPPING(id, group) RECORD(id, group, "1700000000", "STOPPED", "RUNNING", "")
#define ENDED(id, group, why)                                 \
	RECORD(id, group, "1700000000", "STOPPED", "STOPPED", \
	       "\"stoppedReason\":\"" why "\",\"stopCode\":\"EssentialContainerExited\",\"stoppedAt\":1899999999,")
#define NO_SERVICE SAYS("DescribeServices", "{\"services\":[]}")
#define DEFINITION(status, health)                                                                                 \
	SAYS("DescribeTaskDefinition",                                                                             \
	     "{\"taskDefinition\":{\"status\":\"" status "\",\"containerDefinitions\":[{\"name\":\"vast-server\"," \
	     "\"image\":\"1.dkr.ecr.eu-west-1.amazonaws.com/vast-x@sha256:ab\"" health "}]}}")
#define CHECKED ",\"healthCheck\":{\"command\":[\"true\"]}"
#define SUBNET(n) \
	SAYS("DescribeSubnets", "{\"subnetSet\":[{\"subnetId\":\"subnet-1\",\"availableIpAddressCount\":" n "}]}")
#define STARTABLE   DEFINITION("ACTIVE", CHECKED), SUBNET("9"), SAYS("DescribeImages", "{\"imageDetails\":[{}]}")
#define STARTED(id) SAYS("RunTask", "{\"tasks\":[{\"taskArn\":\"" ARN(id) "\"}]}")
#define NO_LOG	    SAYS("GetLogEvents", "{\"events\":[]}")
#define LOG	    SAYS("GetLogEvents", "{\"events\":[{\"message\":\"no room\"}]}")
#define FILES	    SAYS("DescribeFileSystems", "{\"FileSystems\":[{\"SizeInBytes\":{\"Value\":6144}}]}")
#define READY	    STACKS("UPDATE_COMPLETE")

#define LIFE(run_, words_, replies_, result_, writes_, ...)                                                            \
	{                                                                                                              \
		.name = #replies_, .run = run_, .words = words_, .replies = replies_, .result = result_,               \
		.writes = writes_, .optional = "GetLogEvents DescribeFileSystems DescribeStackResources ", __VA_ARGS__ \
	}
#define RUN(...)     LIFE(operation_run_task, __VA_ARGS__)
#define RESTART(...) LIFE(operation_restart_task, __VA_ARGS__)
#define STOP(...)    LIFE(operation_stop_all_tasks, __VA_ARGS__)

/* -- run-task ------------------------------------------------------------------------------------------------------ */

static const struct cloud_reply started_alone[] = {READY,
						   NO_SERVICE,
						   NOT_LISTED,
						   NOT_LISTED,
						   NOT_LISTED,
						   LISTED("t1"),
						   NO_STOPPED,
						   STARTABLE,
						   STARTED("t1"),
						   TASKS(PENDING("t1", OF_NONE)),
						   TASKS(SILENT("t1", OF_NONE)),
						   TASKS(HEALTHY("t1", OF_NONE)),
						   END};
static const struct cloud_reply started_unchecked[] = {READY,
						       NO_SERVICE,
						       NOT_LISTED,
						       NOT_LISTED,
						       NOT_LISTED,
						       LISTED("t1"),
						       NO_STOPPED,
						       DEFINITION("ACTIVE", ""),
						       SUBNET("9"),
						       SAYS("DescribeImages", "{}"),
						       STARTED("t1"),
						       TASKS(SILENT("t1", OF_NONE)),
						       END};
static const struct cloud_reply runs_already[] = {
	READY, NO_SERVICE, LISTED("t1"), NO_STOPPED, TASKS(HEALTHY("t1", OF_NONE)), END};
static const struct cloud_reply starts_already[] = {READY, SERVICE("ACTIVE", "1", "x"), NOT_LISTED, NO_STOPPED, END};
static const struct cloud_reply forced[] = {READY,
					    NO_SERVICE,
					    LISTED("t0"),
					    LISTED("t0"),
					    LISTED_TWO("t0", "t1"),
					    NO_STOPPED,
					    STARTABLE,
					    STARTED("t1"),
					    TASKS(OLDER("t0", OF_NONE)),
					    TASKS(OLDER("t0", OF_NONE)),
					    TASKS(HEALTHY("t1", OF_NONE)),
					    TASKS(OLDER("t0", OF_NONE) "," HEALTHY("t1", OF_NONE)),
					    END};
static const struct cloud_reply another_was_first[] = {READY,
						       NO_SERVICE,
						       NOT_LISTED,
						       NOT_LISTED,
						       NOT_LISTED,
						       LISTED_TWO("t0", "t1"),
						       NO_STOPPED,
						       STARTABLE,
						       STARTED("t1"),
						       TASKS(HEALTHY("t1", OF_NONE)),
						       TASKS(OLDER("t0", OF_NONE) "," HEALTHY("t1", OF_NONE)),
						       END};
static const struct cloud_reply no_capacity[] = {
	READY,	    NO_SERVICE, NOT_LISTED,
	NO_STOPPED, STARTABLE,	REFUSES("RunTask", "ClientException", "Capacity is unavailable at this time"),
	END};
static const struct cloud_reply nothing_started[] = {
	READY,	    NO_SERVICE,
	NOT_LISTED, NO_STOPPED,
	STARTABLE,  SAYS("RunTask", "{\"tasks\":[],\"failures\":[{\"reason\":\"RESOURCE:ENI\",\"detail\":\"none\"}]}"),
	END};
static const struct cloud_reply ended_early[] = {READY,
						 NO_SERVICE,
						 NOT_LISTED,
						 NO_STOPPED,
						 STARTABLE,
						 STARTED("t1"),
						 TASKS(ENDED("t1", OF_NONE, "Essential container in task exited")),
						 LOG,
						 END};
static const struct cloud_reply stopping_first[] = {READY,
						    NO_SERVICE,
						    LISTED("t0"),
						    NOT_LISTED,
						    NOT_LISTED,
						    NOT_LISTED,
						    LISTED("t1"),
						    NO_STOPPED,
						    STARTABLE,
						    STARTED("t1"),
						    TASKS(STOPPING("t0", OF_NONE)),
						    TASKS(STOPPING("t0", OF_NONE)),
						    TASKS(ENDED("t0", OF_NONE, "by hand")),
						    TASKS(HEALTHY("t1", OF_NONE)),
						    END};
static const struct cloud_reply silent[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, STARTABLE, STARTED("t1"), TASKS(SILENT("t1", OF_NONE)), NO_LOG, END};
static const struct cloud_reply unlisted[] = {
	READY,
	NO_SERVICE,
	NOT_LISTED,
	NO_STOPPED,
	STARTABLE,
	STARTED("t1"),
	SAYS("DescribeTasks", "{\"tasks\":[],\"failures\":[{\"reason\":\"MISSING\"}]}"),
	TASKS(STOPPING("t1", OF_NONE)),
	TASKS(ENDED("t1", OF_NONE, "ResourceInitializationError: EFS does not resolve")),
	SAYS("DescribeStackResources",
	     "{\"StackResources\":[{\"LogicalResourceId\":\"MountTarget\",\"Timestamp\":\"2020-01-01T00:00:00Z\"}]}"),
	NO_LOG,
	END};
static const struct cloud_reply too_early[] = {
	READY,
	NO_SERVICE,
	NOT_LISTED,
	NO_STOPPED,
	STARTABLE,
	STARTED("t1"),
	TASKS(ENDED("t1", OF_NONE, "ResourceInitializationError: EFS does not resolve")),
	SAYS("DescribeStackResources",
	     "{\"StackResources\":[{\"LogicalResourceId\":\"MountTarget\",\"Timestamp\":\"2999-01-01T00:00:00Z\"}]}"),
	NO_LOG,
	END};
static const struct cloud_reply no_definition[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, DEFINITION("INACTIVE", ""), END};
static const struct cloud_reply no_image[] = {READY,
					      NO_SERVICE,
					      NOT_LISTED,
					      NO_STOPPED,
					      DEFINITION("ACTIVE", ""),
					      REFUSES("DescribeImages", "ImageNotFoundException", "no such image"),
					      END};
static const struct cloud_reply no_repository[] = {
	READY,
	NO_SERVICE,
	NOT_LISTED,
	NO_STOPPED,
	DEFINITION("ACTIVE", ""),
	REFUSES("DescribeImages", "RepositoryNotFoundException", "no such repository"),
	END};
static const struct cloud_reply unknown_definition[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, SAYS("DescribeTaskDefinition", "{}"), END};
#define OTHER_IMAGE(image)                                                                                      \
	SAYS("DescribeTaskDefinition", "{\"taskDefinition\":{\"status\":\"ACTIVE\",\"containerDefinitions\":[{" \
				       "\"name\":\"vast-server\",\"image\":\"" image "\"}]}}")
static const struct cloud_reply image_elsewhere[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, OTHER_IMAGE("r.example/theirs@sha256:ab"), SUBNET("0"), END};
static const struct cloud_reply image_by_tag[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, OTHER_IMAGE("r.example/vast-x:latest"), SUBNET("0"), END};
static const struct cloud_reply no_address[] = {
	READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, DEFINITION("ACTIVE", ""), SUBNET("0"), SAYS("DescribeImages", "{}"),
	END};
static const struct cloud_reply not_deployed[] = {NO_STACK, END};
static const struct cloud_reply being_updated[] = {STACKS("UPDATE_IN_PROGRESS"), END};
static const struct cloud_reply no_cluster[] = {
	READY, REFUSES("DescribeServices", "ClusterNotFoundException", "Cluster not found."), END};
static const struct cloud_reply no_cluster_left[] = {
	READY, REFUSES("DescribeServices", "ClusterNotFoundException", "Cluster not found."), FILES,
	REFUSES("ListTasks RUNNING", "ClusterNotFoundException", "Cluster not found."), END};
static const struct cloud_reply service_created[] = {READY,
						     NO_SERVICE,
						     NO_SERVICE,
						     NO_SERVICE,
						     SERVICE("ACTIVE", "1", "x"),
						     NOT_LISTED,
						     NOT_LISTED,
						     NOT_LISTED,
						     LISTED("t1"),
						     NO_STOPPED,
						     STARTABLE,
						     TASKS(PENDING("t1", OF_OURS)),
						     TASKS(HEALTHY("t1", OF_OURS)),
						     END};
static const struct cloud_reply service_reopened[] = {READY,
						      SERVICE("ACTIVE", "0", "x"),
						      SERVICE("ACTIVE", "0", "x"),
						      SERVICE("ACTIVE", "0", "x"),
						      SERVICE("ACTIVE", "1", "x"),
						      NOT_LISTED,
						      NOT_LISTED,
						      LISTED("t1"),
						      NO_STOPPED,
						      STARTABLE,
						      TASKS(HEALTHY("t1", OF_OURS)),
						      END};
static const struct cloud_reply service_draining[] = {READY,
						      SERVICE("DRAINING", "0", "x"),
						      SERVICE("DRAINING", "0", "x"),
						      SERVICE("DRAINING", "0", "x"),
						      SERVICE("DRAINING", "0", "x"),
						      NO_SERVICE,
						      SERVICE("ACTIVE", "1", "x"),
						      NOT_LISTED,
						      NOT_LISTED,
						      LISTED("t1"),
						      NO_STOPPED,
						      STARTABLE,
						      TASKS(HEALTHY("t1", OF_OURS)),
						      END};
static const struct cloud_reply service_raced[] = {
	READY,	    NO_SERVICE,
	NOT_LISTED, NO_STOPPED,
	STARTABLE,  REFUSES("CreateService", "InvalidParameterException", "Creation of service was not idempotent."),
	END};
static const struct cloud_reply service_foreign[] = {READY, SERVICE("ACTIVE", "1", "y"), NOT_LISTED, NO_STOPPED, END};
static const struct cloud_reply service_scaled[] = {READY,
						    SERVICE("ACTIVE", "3", "x"),
						    SERVICE("ACTIVE", "1", "x"),
						    LISTED_TWO("t0", "t1"),
						    LISTED_TWO("t0", "t1"),
						    LISTED("t1"),
						    NO_STOPPED,
						    STARTABLE,
						    TASKS(OLDER("t0", OF_OURS) "," HEALTHY("t1", OF_OURS)),
						    TASKS(OLDER("t0", OF_OURS) "," HEALTHY("t1", OF_OURS)),
						    TASKS(OLDER("t0", OF_OURS) "," HEALTHY("t1", OF_OURS)),
						    TASKS(HEALTHY("t1", OF_OURS)),
						    END};
static const struct cloud_reply service_closed[] = {
	READY, NO_SERVICE, NO_SERVICE, NO_SERVICE, SERVICE("ACTIVE", "0", "x"), NOT_LISTED, NO_STOPPED, STARTABLE, END};
static const struct cloud_reply service_deleted[] = {READY, NO_SERVICE, NOT_LISTED, NO_STOPPED, STARTABLE, END};
static const struct cloud_reply service_idle[] = {
	READY, NO_SERVICE, NO_SERVICE, NO_SERVICE, SERVICE("ACTIVE", "1", "x"), NOT_LISTED, NO_STOPPED, STARTABLE, END};
#define CRASHED(id) ENDED(id, OF_OURS, "it crashed")
static const struct cloud_reply service_crashing[] = {
	READY,
	NO_SERVICE,
	NO_SERVICE,
	NO_SERVICE,
	SERVICE("ACTIVE", "1", "x"),
	NOT_LISTED,
	NO_STOPPED,
	NO_STOPPED,
	NO_STOPPED,
	SAYS("ListTasks STOPPED", "{\"taskArns\":[\"" ARN("a") "\",\"" ARN("b") "\",\"" ARN("c") "\"]}"),
	TASKS(CRASHED("a") "," CRASHED("b") "," CRASHED("c")),
	STARTABLE,
	LOG,
	END};

static void test_run_task_alone(void **state)
{
	static const struct cloud_life lives[] = {
		RUN("server t1 is running and accepts connections at 10.0.1.9:", started_alone, 0, "RunTask",
		    .settings = ALONE),
		RUN("server t1 is running\n", started_unchecked, 0, "RunTask", .settings = ALONE),
		RUN("a server runs already: task t1 is RUNNING", runs_already, -EEXIST, "", .settings = ALONE),
		RUN("server t1 is running", forced, 0, "RunTask", .settings = ALONE "vast_storage=ephemeral\n",
		    .argument = "force"),
		RUN("another server runs already: task t0", another_was_first, -EEXIST, "RunTask StopTask",
		    .settings = ALONE),
		RUN("server t1 is running", stopping_first, 0, "RunTask", .settings = ALONE),
		RUN("is not deployed", not_deployed, -ENXIO, ""),
		RUN("might lose its network", being_updated, -EBUSY, ""),
		RUN("was deleted outside of vastfs", no_cluster, -EIO, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_a_server_that_does_not_start(void **state)
{
	static const struct cloud_life lives[] = {
		RUN("Capacity is unavailable", no_capacity, -EACCES, "RunTask RunTask RunTask", .settings = ALONE),
		RUN("ECS started no task: RESOURCE:ENI none", nothing_started, -EIO, "RunTask", .settings = ALONE),
		RUN("its log ends: no room", ended_early, -EIO, "RunTask", .settings = ALONE),
		RUN("does not accept connections on port 42000 after 300 s", silent, -ETIMEDOUT, "RunTask",
		    .settings = ALONE),
		RUN("EFS does not resolve", unlisted, -EIO, "RunTask", .settings = ALONE),
		RUN("EFS does not resolve", too_early, -EIO, "RunTask RunTask RunTask", .settings = ALONE),
		RUN("is INACTIVE", no_definition, -EIO, "", .settings = ALONE),
		RUN("no longer in ECR", no_image, -EIO, "", .settings = ALONE),
		RUN("no longer in ECR", no_repository, -EIO, "", .settings = ALONE),
		RUN("is unknown to ECS", unknown_definition, -EIO, "", .settings = ALONE),
		RUN("no free address", image_elsewhere, -EIO, "", .settings = ALONE),
		RUN("no free address", image_by_tag, -EIO, "", .settings = ALONE),
		RUN("no free address for another task", no_address, -EIO, "", .settings = ALONE),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

static void test_run_task_with_a_service(void **state)
{
	static const struct cloud_life lives[] = {
		RUN("server t1 is running", service_created, 0, "CreateService"),
		RUN("server t1 is running", service_reopened, 0, "TagResource UpdateService"),
		RUN("server t1 is running", service_draining, 0, "CreateService"),
		RUN("not idempotent", service_raced, -EACCES, "CreateService CreateService CreateService"),
		RUN("vastfs did not create it", service_foreign, -EEXIST, ""),
		RUN("a server is starting already", starts_already, -EEXIST, ""),
		RUN("it is back at 1", service_scaled, 0, "UpdateService"),
		RUN("was scaled to 0", service_closed, -EIO, "CreateService"),
		RUN("was deleted", service_deleted, -EIO, "CreateService"),
		RUN("did not start within 15 minutes; ECS's last event: ECS says so", service_idle, -ETIMEDOUT,
		    "CreateService UpdateService"),
		RUN("ended 3 times", service_crashing, -EIO, "CreateService UpdateService"),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- restart-task -------------------------------------------------------------------------------------------------- */

static const struct cloud_reply restarted[] = {READY,
					       NO_SERVICE,
					       LISTED("t0"),
					       LISTED("t0"),
					       NOT_LISTED,
					       NOT_LISTED,
					       NOT_LISTED,
					       LISTED("t1"),
					       NO_STOPPED,
					       STARTABLE,
					       STARTED("t1"),
					       TASKS(OLDER("t0", OF_NONE)),
					       TASKS(OLDER("t0", OF_NONE)),
					       TASKS(ENDED("t0", OF_NONE, "by hand")),
					       TASKS(HEALTHY("t1", OF_NONE)),
					       END};
static const struct cloud_reply restarted_service[] = {READY,
						       SERVICE("ACTIVE", "1", "x"),
						       SERVICE("ACTIVE", "1", "x"),
						       SERVICE("ACTIVE", "0", "x"),
						       SERVICE("ACTIVE", "0", "x"),
						       SERVICE("ACTIVE", "0", "x"),
						       SERVICE("ACTIVE", "1", "x"),
						       LISTED("t0"),
						       LISTED("t0"),
						       NOT_LISTED,
						       NOT_LISTED,
						       LISTED("t1"),
						       NO_STOPPED,
						       STARTABLE,
						       TASKS(OLDER("t0", OF_OURS)),
						       TASKS(OLDER("t0", OF_OURS)),
						       TASKS(ENDED("t0", OF_OURS, "by hand")),
						       TASKS(HEALTHY("t1", OF_OURS)),
						       END};
static const struct cloud_reply restart_joined[] = {
	READY, SERVICE("ACTIVE", "1", "x"), LISTED("t1"), NO_STOPPED, TASKS(HEALTHY("t1", OF_OURS)), STARTABLE, END};
static const struct cloud_reply restart_joined_task[] = {
	READY, NO_SERVICE, LISTED("t1"), NO_STOPPED, TASKS(HEALTHY("t1", OF_NONE)), STARTABLE, END};
static const struct cloud_reply restart_joined_ended[] = {READY,
							  NO_SERVICE,
							  LISTED("t1"),
							  NO_STOPPED,
							  TASKS(HEALTHY("t1", OF_NONE)),
							  TASKS(ENDED("t1", OF_NONE, "it crashed")),
							  STARTABLE,
							  NO_LOG,
							  END};
static const struct cloud_reply task_vanished[] = {
	READY,
	NO_SERVICE,
	LISTED("t0"),
	LISTED("t0"),
	NOT_LISTED,
	NOT_LISTED,
	NOT_LISTED,
	LISTED("t1"),
	NO_STOPPED,
	STARTABLE,
	STARTED("t1"),
	TASKS(OLDER("t0", OF_NONE)),
	TASKS(OLDER("t0", OF_NONE)),
	SAYS("DescribeTasks", "{\"failures\":[{\"reason\":\"MISSING\"}]}"),
	TASKS(HEALTHY("t1", OF_NONE)),
	REFUSES("StopTask", "InvalidParameterException", "The referenced task was not found."),
	END};
static const struct cloud_reply not_startable[] = {
	READY, NO_SERVICE, LISTED("t0"), NO_STOPPED, TASKS(OLDER("t0", OF_NONE)), DEFINITION("INACTIVE", ""), END};
static const struct cloud_reply no_second[] = {
	READY,	    NO_SERVICE,
	NOT_LISTED, NO_STOPPED,
	STARTABLE,  SAYS("RunTask", "{\"tasks\":[],\"failures\":[{\"reason\":\"no\",\"detail\":\"room\"}]}"),
	END};

#define BEGUN "{\"server-before\":\"1800000000.0\",\"server-default\":\"t0\",\"server-starting\":\"1\"}"

static void test_restart_task(void **state)
{
	static const struct cloud_life lives[] = {
		RESTART("server t1 is running", restarted, 0, "StopTask RunTask", .settings = ALONE),
		RESTART("server t1 is running", restarted_service, 0,
			"UpdateService StopTask TagResource UpdateService"),
		RESTART("server t1 is running", restart_joined, 0, "", .memory = BEGUN),
		RESTART("server t1 is running", restart_joined_task, 0, "", .memory = BEGUN),
		RESTART("no server is running now: the server stopped before it ran: it crashed", restart_joined_ended,
			-EIO, "", .memory = BEGUN, .settings = "vast_storage=ephemeral\n"),
		RESTART("server t1 is running", task_vanished, 0, "StopTask RunTask", .settings = ALONE),
		RESTART("is INACTIVE", not_startable, -EIO, "", .settings = ALONE),
		RESTART("no server is running now: ECS started no task: no room", no_second, -EIO, "RunTask",
			.settings = ALONE),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- stop-all-tasks ------------------------------------------------------------------------------------------------ */

static const struct cloud_reply stopped[] = {READY,
					     SERVICE("ACTIVE", "1", "x"),
					     SERVICE("ACTIVE", "0", "x"),
					     LISTED_TWO("t0", "t1"),
					     NOT_LISTED,
					     NO_STOPPED,
					     TASKS(OLDER("t0", OF_OURS) "," HEALTHY("t1", OF_NONE)),
					     TASKS(STOPPING("t0", OF_OURS) "," ENDED("t1", OF_NONE, "by hand")),
					     TASKS(ENDED("t0", OF_OURS, "by hand")),
					     FILES,
					     END};
static const struct cloud_reply stopped_but_foreign[] = {
	READY,
	SERVICE("ACTIVE", "1", "y"),
	LISTED_TWO("t0", "t1"),
	NO_STOPPED,
	TASKS(OLDER("t0", OF_OURS) "," HEALTHY("t1", "service:theirs")),
	SAYS("DescribeFileSystems", "{}"),
	END};
static const struct cloud_reply never_stops[] = {READY,
						 NO_SERVICE,
						 LISTED("t0"),
						 NO_STOPPED,
						 TASKS(OLDER("t0", OF_NONE)),
						 TASKS(ENDED("t0", OF_NONE, "by hand")),
						 TASKS(OLDER("t0", OF_NONE)),
						 TASKS(ENDED("t0", OF_NONE, "by hand")),
						 TASKS(OLDER("t0", OF_NONE)),
						 TASKS(ENDED("t0", OF_NONE, "by hand")),
						 TASKS(OLDER("t0", OF_NONE)),
						 TASKS(ENDED("t0", OF_NONE, "by hand")),
						 TASKS(OLDER("t0", OF_NONE)),
						 TASKS(ENDED("t0", OF_NONE, "by hand")),
						 END};
static const struct cloud_reply stays[] = {READY, NO_SERVICE, LISTED("t0"), NO_STOPPED, TASKS(OLDER("t0", OF_NONE)),
					   END};
static const struct cloud_reply service_vanished[] = {
	READY,	    SERVICE("ACTIVE", "1", "x"),
	NOT_LISTED, NO_STOPPED,
	FILES,	    REFUSES("UpdateService", "ServiceNotActiveException", "Service was not ACTIVE."),
	END};

static void test_stop_all_tasks(void **state)
{
	static const struct cloud_life lives[] = {
		STOP("2 tasks stopped", stopped, 0, "UpdateService StopTask StopTask"),
		STOP("task t1 belongs to the service theirs", stopped_but_foreign, 0, ""),
		STOP("started again as fast as they are stopped", never_stops, -EIO,
		     "StopTask StopTask StopTask StopTask StopTask"),
		STOP("stopping the tasks did not finish within 5m", stays, -ETIMEDOUT, "StopTask"),
		STOP("0 tasks stopped", service_vanished, 0, "UpdateService"),
		STOP("0 tasks stopped", no_cluster_left, 0, ""),
		STOP("is not deployed", not_deployed, -ENXIO, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_task_alone),		cmocka_unit_test(test_a_server_that_does_not_start),
		cmocka_unit_test(test_run_task_with_a_service), cmocka_unit_test(test_restart_task),
		cmocka_unit_test(test_stop_all_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
