/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/changeset.h"

#include "stack/remedies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static cJSON *json(const char *text)
{
	cJSON *tree = cJSON_Parse(text);

	assert_non_null(tree);
	return tree;
}

static void test_empty_change_sets(void **state)
{
	(void)state;
	assert_true(changeset_is_empty("FAILED", "The submitted information didn't contain changes. Submit different "
						 "information to create a change set."));
	assert_true(changeset_is_empty("FAILED", "No updates are to be performed."));
	assert_false(
		changeset_is_empty("FAILED", "Template error: instance of Fn::GetAtt references undefined resource"));
	assert_false(changeset_is_empty("FAILED", ""));
	assert_false(changeset_is_empty("CREATE_COMPLETE", "No updates are to be performed."));
}

#define CHANGE(action, type, replacement)                                                                             \
	"{\"Changes\":[{\"Type\":\"Resource\",\"ResourceChange\":{\"Action\":\"Modify\",\"LogicalResourceId\":\"A\"," \
	"\"ResourceType\":\"AWS::ECS::TaskDefinition\",\"Replacement\":\"True\"}},"                                   \
	"{\"Type\":\"Resource\",\"ResourceChange\":{\"Action\":\"" action                                             \
	"\",\"LogicalResourceId\":\"Thing\",\"ResourceType\":\"" type "\",\"Replacement\":\"" replacement "\"}}]}"

static void test_guarded_changes_wait_for_tasks(void **state)
{
	static const struct {
		const char *reply, *words; /* NULL: may continue */
	} rows[] = {
		{CHANGE("Modify", "AWS::EC2::Subnet", "True"), "Thing (AWS::EC2::Subnet) would be replaced"},
		{CHANGE("Modify", "AWS::EC2::SecurityGroup", "Conditional"), "perhaps replaced"},
		{CHANGE("Modify", "AWS::EC2::SecurityGroup", "False"), NULL},
		{CHANGE("Remove", "AWS::EFS::MountTarget", ""), "would be removed"},
		{CHANGE("Remove", "AWS::EFS::AccessPoint", ""), "would be removed"},
		{CHANGE("Dynamic", "AWS::EC2::NatGateway", ""), "perhaps replaced"},
		{CHANGE("Add", "AWS::EFS::MountTarget", ""), NULL},
		{CHANGE("Modify", "AWS::Lambda::Function", "True"), NULL},
		{"{\"Changes\":[]}", NULL},
		{"{\"Changes\":\"\"}", NULL},
		{"{}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *reply = json(rows[i].reply);
		struct error err = {0};

		assert_int_equal(changeset_check_tasks(reply, false, &err), 0);
		assert_int_equal(changeset_check_tasks(reply, true, &err), rows[i].words ? -EBUSY : 0);
		if (rows[i].words) {
			assert_non_null(strstr(err.message, rows[i].words));
			assert_non_null(strstr(err.remedy, "stop-all-tasks"));
		}
		cJSON_Delete(reply);
	}
}

static void test_lost_races(void **state)
{
	static const struct {
		const char *code, *message;
		bool lost;
	} rows[] = {
		{"ChangeSetNotFound", "ChangeSet [x] does not exist", true},
		{"InvalidChangeSetStatus", "cannot be executed in its current status of [EXECUTE_COMPLETE]", true},
		{"AlreadyExistsException", "Stack [vast-default] already exists", true},
		{"ValidationError", "Stack:arn:x is in UPDATE_IN_PROGRESS state and can not be updated.", true},
		{"ValidationError", "An operation is already in progress", true},
		{"ValidationError", "Stack [x] already exists and cannot be created again with the changeSet [y]",
		 true},
		{"ValidationError", "Parameters: [Stage] must have values", false},
		{"ValidationError", "Stack with id vast-default does not exist", false},
		{"AccessDenied", "in progress", false},
		{"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err;

		error_set(&err, -EIO, "%s", rows[i].message);
		snprintf(err.code, sizeof(err.code), "%s", rows[i].code);
		assert_int_equal(changeset_lost_race(&err), rows[i].lost);
	}
}

#define EVENT(id, physical, status, reason)                                                          \
	"{\"StackId\":\"arn:s\",\"LogicalResourceId\":\"" id "\",\"PhysicalResourceId\":\"" physical \
	"\",\"ResourceStatus\":\"" status "\",\"ResourceStatusReason\":\"" reason "\"}"

static void test_first_failure(void **state)
{
	static const char events[] =
		"[" EVENT("vast", "arn:s", "UPDATE_ROLLBACK_IN_PROGRESS", "failed") "," EVENT("Function", "f", "UPDATE_FAILED", "Resource update cancelled") "," EVENT(
			"Cluster", "c", "CREATE_FAILED",
			"later failure") "," EVENT("NatGateway", "n", "CREATE_FAILED",
						   "the cause") "," EVENT("AccessPoint", "", "CREATE_FAILED",
									  "Resource creation "
									  "cancelled") "," EVENT("vas"
												 "t",
												 "arn:"
												 "s",
												 "UPDA"
												 "TE_"
												 "IN_"
												 "PROG"
												 "RES"
												 "S",
												 "User"
												 " Ini"
												 "tiat"
												 "ed") "," EVENT("Old",
														 "o",
														 "CREAT"
														 "E_"
														 "FAILE"
														 "D",
														 "of "
														 "an "
														 "opera"
														 "tion "
														 "befor"
														 "e") "]";
	cJSON *tree = json(events), *fine = json("[" EVENT("vast", "arn:s", "CREATE_COMPLETE", "") "]");
	const cJSON *event = stack_first_failure(tree);

	(void)state;
	assert_non_null(event);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(event, "LogicalResourceId")), "NatGateway");
	assert_null(stack_first_failure(fine));
	assert_null(stack_first_failure(NULL));
	cJSON_Delete(tree);
	cJSON_Delete(fine);
}

static void test_remedies(void **state)
{
	static const struct {
		const char *code, *words, *remedy; /* NULL: none */
		bool retry;
	} rows[] = {
		{"AddressLimitExceeded", "The maximum number of addresses has been reached.", "Elastic IP", false},
		{"", "Resource handler returned message: \"The maximum number of addresses has been reached.\"",
		 "Elastic IP", false},
		{"", "... (Service: Ec2, Status Code: 400; Error Code: AddressLimitExceeded)", "Elastic IP", false},
		{"",
		 "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008",
		 "lambda_memory=3008", false},
		{"", "You've reached the limit on the number of vCPUs you can run concurrently", "server_cpu", false},
		{"AccessDenied", "User: x is not authorized to perform: iam:PassRole on resource: y", "iam:PassRole",
		 false},
		{"", "The role defined for the function cannot be assumed by Lambda.", "deploy again", true},
		{"", "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
		 "deploy again", true},
		{"InvalidParameterException",
		 "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
		 "AWSServiceRoleForECS", true},
		{"", "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes", "90 s",
		 false},
		{"",
		 "unexpected EC2 error while attempting to Create Network Interface: InsufficientFreeAddressesInSubnet",
		 "larger subnet_cidr", false},
		{"",
		 "ResourceInitializationError: unable to pull secrets or registry auth: unable to pull registry auth "
		 "from Amazon ECR: i/o timeout",
		 "NAT gateway", false},
		{"", "OutOfMemoryError: Container killed due to memory usage", "server_memory", false},
		{"", "CannotPullContainerError: pull image manifest has been retried 5 time(s)", "NAT gateway", false},
		{"", "something else entirely", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err;

		error_set(&err, -EIO, "%s", rows[i].words);
		snprintf(err.code, sizeof(err.code), "%s", rows[i].code);
		assert_int_equal(remedy_apply(&err), rows[i].retry);
		if (!rows[i].remedy)
			assert_string_equal(err.remedy, "");
		else if (!strstr(err.remedy, rows[i].remedy))
			fail_msg("%s: %s", rows[i].words, err.remedy);
	}
}

static void test_a_remedy_already_there_stays(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, -EIO, "cannot be assumed by Lambda");
	error_remedy(&err, "mine");
	assert_true(remedy_apply(&err));
	assert_string_equal(err.remedy, "mine");
}

#define STARTED(event, token)                                                                    \
	"{\"EventId\":\"" event "\",\"StackId\":\"arn:s\",\"PhysicalResourceId\":\"arn:s\","     \
	"\"ResourceStatus\":\"UPDATE_IN_PROGRESS\",\"ResourceStatusReason\":\"User Initiated\"," \
	"\"ClientRequestToken\":\"" token "\"}"

static void test_who_executed(void **state)
{
	static const struct {
		const char *status, *record, *events, *mark;
		enum changeset_executor executor;
	} rows[] = {
		{"UPDATE_IN_PROGRESS", NULL, "[]", "e1", EXECUTED_BY_US},
		{"", "{\"ExecutionStatus\":\"EXECUTE_IN_PROGRESS\"}", "[]", "e1", EXECUTED_BY_US},
		{"", "{\"ExecutionStatus\":\"EXECUTE_FAILED\"}", "[]", "", EXECUTED_BY_US},
		{"", "{\"ExecutionStatus\":\"OBSOLETE\"}", "[]", "", EXECUTED_BY_OTHERS},
		{"", "{\"ExecutionStatus\":\"AVAILABLE\"}", "[" STARTED("e1", "a") "]", "e1", EXECUTED_UNKNOWN},
		{"", "{\"ExecutionStatus\":\"AVAILABLE\"}", "[" STARTED("e2", "b") "," STARTED("e1", "a") "]", "e1",
		 EXECUTED_BY_OTHERS},
		{"", NULL, "[" STARTED("e2", "b") "," STARTED("e1", "a") "]", "e1", EXECUTED_BY_OTHERS},
		{"", NULL, "[" STARTED("e1", "a") "]", "", EXECUTED_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *record = rows[i].record ? json(rows[i].record) : NULL, *events = json(rows[i].events);

		assert_int_equal(changeset_find_executor(rows[i].status, record, events, rows[i].mark),
				 rows[i].executor);
		cJSON_Delete(record);
		cJSON_Delete(events);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_change_sets),
		cmocka_unit_test(test_guarded_changes_wait_for_tasks),
		cmocka_unit_test(test_lost_races),
		cmocka_unit_test(test_first_failure),
		cmocka_unit_test(test_who_executed),
		cmocka_unit_test(test_remedies),
		cmocka_unit_test(test_a_remedy_already_there_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
