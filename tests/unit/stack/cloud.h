/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cloud.h - operations against replies from a table, in no time: sleeping moves the clock that the operation sees.
 *
 * A test that is listed with this dependency is linked with --wrap for aws_call(), aws_sleep() and the clock. It runs
 * an operation once as the table says, and then again and again with one call or one allocation that fails.
 */
#ifndef VASTFS_TESTS_UNIT_STACK_CLOUD_H
#define VASTFS_TESTS_UNIT_STACK_CLOUD_H

#include "stack/operation.h"

/*
 * The replies to one action, in order; the last one is repeated. json: the reply's tree; with a code it is the message
 * of AWS's refusal.
 */
struct cloud_reply {
	const char *action; /* "DescribeStacks", "ListTasks RUNNING"; NULL ends the table */
	const char *json;
	const char *code;
};

/* One run of an operation, and how it must end. */
struct cloud_life {
	const char *name;
	int (*run)(struct operation *op, struct error *err);
	const char *argument; /* of the verb; NULL: none */
	const char *settings; /* lines beside those that every life has; NULL: none */
	const char *memory;   /* what the operation remembers from before a crash, as JSON; NULL: nothing */
	const char *stack;    /* DescribeStacks' reply that the operation has read already; NULL: none */
	void (*prepare)(struct operation *op); /* NULL: op is as a new operation's */
	const struct cloud_reply *replies;
	int result;
	const char *words;    /* of the message and its remedy, or of the result of an operation that succeeds */
	const char *writes;   /* the actions that change something, in order: "DeleteStack DeleteRepository" */
	const char *optional; /* actions whose refusal does not end the operation, each with a space behind it */
	const char *also;     /* the same, for this life only */
	int cancel_at;	      /* the user cancels during the sleep of this number; 0: never */
};

/* Runs every life, alone and with each failure; fails with the life's name. */
void cloud_run(const struct cloud_life *lives, size_t n);

/* The stack vast-x of stage x in a status, as DescribeStacks reports it. */
#define CLOUD_STACK_ID "arn:aws:cloudformation:eu-west-1:123456789012:stack/vast-x/1b2c"
#define CLOUD_STACK(status, more)                                                                               \
	"{\"Stacks\":[{\"StackId\":\"" CLOUD_STACK_ID "\",\"StackStatus\":\"" status "\","                      \
	"\"Tags\":[{\"Key\":\"vastfs:stage\",\"Value\":\"x\"}]," more                                           \
	"\"Outputs\":[{\"OutputKey\":\"ClusterName\",\"OutputValue\":\"vast-x\"},"                              \
	"{\"OutputKey\":\"ClusterArn\",\"OutputValue\":\"arn:aws:ecs:eu-west-1:123456789012:cluster/vast-x\"}," \
	"{\"OutputKey\":\"TaskDefinitionArn\",\"OutputValue\":\"arn:aws:ecs:eu-west-1:123456789012:"            \
	"task-definition/vast-x:1\"},{\"OutputKey\":\"TaskFamily\",\"OutputValue\":\"vast-x\"},"                \
	"{\"OutputKey\":\"PrivateSubnetId\",\"OutputValue\":\"subnet-1\"},"                                     \
	"{\"OutputKey\":\"ServerSecurityGroupId\",\"OutputValue\":\"sg-1\"},"                                   \
	"{\"OutputKey\":\"LambdaSecurityGroupId\",\"OutputValue\":\"sg-2\"},"                                   \
	"{\"OutputKey\":\"FunctionName\",\"OutputValue\":\"vast-x\"}]}]}"

/* Rows of replies. */
#define SAYS(action, json)         \
	{                          \
		action, json, NULL \
	}
#define REFUSES(action, code, words) \
	{                            \
		action, words, code  \
	}
#define NO_STACK REFUSES("DescribeStacks", "ValidationError", "Stack with id vast-x does not exist")
#define END                      \
	{                        \
		NULL, NULL, NULL \
	}

/* Replies that several tests need. */
#define STACKS(status) SAYS("DescribeStacks", CLOUD_STACK(status, ""))
#define OLD_EVENTS     SAYS("DescribeStackEvents", "{\"StackEvents\":[{\"EventId\":\"e0\"}]}")
#define EVENTS(status, reason)                                                                                       \
	SAYS("DescribeStackEvents",                                                                                  \
	     "{\"StackEvents\":[{\"EventId\":\"e2\",\"LogicalResourceId\":\"Function\",\"ResourceType\":"            \
	     "\"AWS::Lambda::Function\",\"ResourceStatus\":\"" status "\",\"ResourceStatusReason\":\"" reason "\"}," \
	     "{\"EventId\":\"e1\",\"LogicalResourceId\":\"vast-x\",\"PhysicalResourceId\":\"" CLOUD_STACK_ID "\","   \
	     "\"StackId\":\"" CLOUD_STACK_ID "\",\"ResourceType\":\"AWS::CloudFormation::Stack\","                   \
	     "\"ResourceStatus\":\"DELETE_IN_PROGRESS\",\"ResourceStatusReason\":\"User Initiated\"}]}")
#define RESOURCES                                                                                            \
	SAYS("DescribeStackResources",                                                                       \
	     "{\"StackResources\":["                                                                         \
	     "{\"LogicalResourceId\":\"Cluster\",\"ResourceType\":\"AWS::ECS::Cluster\",\"ResourceStatus\":" \
	     "\"CREATE_COMPLETE\",\"PhysicalResourceId\":\"vast-x\"},"                                       \
	     "{\"LogicalResourceId\":\"PrivateSubnet\",\"PhysicalResourceId\":\"subnet-1\"},"                \
	     "{\"LogicalResourceId\":\"LambdaSecurityGroup\",\"PhysicalResourceId\":\"sg-2\"},"              \
	     "{\"LogicalResourceId\":\"Function\",\"PhysicalResourceId\":\"vast-x\"}]}")
#define NO_TASKS   SAYS("ListTasks RUNNING", "{\"taskArns\":[]}"), SAYS("ListTasks STOPPED", "{\"taskArns\":[]}")
#define NO_SERVERS SAYS("DescribeServices", "{\"services\":[]}"), SAYS("ListServices", "{\"serviceArns\":[]}"), NO_TASKS
#define FUNCTION(subnets) \
	SAYS("GetFunctionConfiguration", "{\"State\":\"Active\",\"VpcConfig\":{\"SubnetIds\":[" subnets "]}}")
#define INTERFACES(status)                \
	SAYS("DescribeNetworkInterfaces", \
	     "{\"networkInterfaceSet\":[{\"networkInterfaceId\":\"eni-1\",\"status\":\"" status "\"}]}")
#define NO_INTERFACES SAYS("DescribeNetworkInterfaces", "{\"networkInterfaceSet\":[]}")
#define REPOSITORY(tag)                                                                                       \
	SAYS("DescribeRepositories",                                                                          \
	     "{\"repositories\":[{\"repositoryArn\":\"arn:repo\",\"repositoryUri\":\"r.example/vast-x\"}]}"), \
		SAYS("ListTagsForResource", "{\"tags\":[{\"Key\":\"vastfs:stage\",\"Value\":\"" tag "\"}]}")
#define NO_REPOSITORY REFUSES("DescribeRepositories", "RepositoryNotFoundException", "no such repository")
#define STORAGE(tag)                                                                                          \
	SAYS("DescribeFileSystems",                                                                           \
	     "{\"FileSystems\":[{\"FileSystemId\":\"fs-1\",\"LifeCycleState\":\"available\",\"SizeInBytes\":" \
	     "{\"Value\":6144},\"Tags\":[{\"Key\":\"vastfs:stage\",\"Value\":\"" tag "\"}]}]}")
#define NO_STORAGE SAYS("DescribeFileSystems", "{\"FileSystems\":[]}")

#define VPC                                                                                                           \
	SAYS("DescribeVpcs", "{\"vpcSet\":[{\"vpcId\":\"vpc-12345678\",\"state\":\"available\",\"cidrBlock\":"        \
			     "\"10.0.0.0/16\",\"cidrBlockAssociationSet\":[{\"cidrBlock\":\"10.0.0.0/16\","           \
			     "\"cidrBlockState\":{\"state\":\"associated\"}}]}]}"),                                   \
		SAYS("DescribeInternetGateways",                                                                      \
		     "{\"internetGatewaySet\":[{\"internetGatewayId\":\"igw-1\",\"attachmentSet\":[{\"vpcId\":"       \
		     "\"vpc-12345678\",\"state\":\"available\"}]}]}"),                                                \
		SAYS("DescribeSubnets", "{\"subnetSet\":[]}"),                                                        \
		SAYS("DescribeVpcPeeringConnections", "{\"vpcPeeringConnectionSet\":[]}"),                            \
		SAYS("DescribeVpcAttribute", "{\"enableDnsSupport\":{\"value\":\"true\"}}"),                          \
		SAYS("DescribeVpcAttribute", "{\"enableDnsHostnames\":{\"value\":\"true\"}}"),                        \
		SAYS("DescribeAvailabilityZones",                                                                     \
		     "{\"availabilityZoneInfo\":[{\"zoneName\":\"eu-west-1a\",\"zoneId\":\"euw1-az1\",\"zoneState\":" \
		     "\"available\",\"zoneType\":\"availability-zone\"}]}"),                                          \
		SAYS("DescribeVpcBlockPublicAccessOptions", "{}"),                                                    \
		SAYS("DescribeVpcBlockPublicAccessExclusions", "{}"), SAYS("DescribeDhcpOptions", "{}")

#define SERVICE(status, desired, stage)                                                                              \
	SAYS("DescribeServices",                                                                                     \
	     "{\"services\":[{\"serviceArn\":\"arn:aws:ecs:eu-west-1:123456789012:service/vast-x/vast-server\","     \
	     "\"status\":\"" status "\",\"desiredCount\":" desired ",\"tags\":[{\"key\":\"vastfs:stage\",\"value\":" \
	     "\"" stage "\"}],\"events\":[{\"id\":\"v1\",\"message\":\"ECS says so\"}]}]}")

#endif
