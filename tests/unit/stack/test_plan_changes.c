/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan_changes.h"

#include "stack/drift_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CHANGE(members) "{\"Changes\":[{\"Type\":\"Resource\",\"ResourceChange\":{" members "}}]}"
#define SERVER                                                                                         \
	"\"Action\":\"Modify\",\"LogicalResourceId\":\"TaskDefinition\",\"ResourceType\":\"AWS::ECS::" \
	"TaskDefinition\","                                                                            \
	"\"Replacement\":\"True\""
#define MEMORY                                                                                             \
	"{\"Target\":{\"Attribute\":\"Properties\",\"Name\":\"Memory\",\"RequiresRecreation\":\"Always\"," \
	"\"Path\":\"/Properties/Memory\",\"BeforeValue\":\"4096\",\"AfterValue\":\"8192\"},"               \
	"\"Evaluation\":\"Static\",\"ChangeSource\":\"ParameterReference\",\"CausingEntity\":\"ServerMemory\"}"
/* CloudFormation lists a property that is changed by a parameter a second time. */
#define MEMORY_AGAIN                                                                                       \
	"{\"Target\":{\"Attribute\":\"Properties\",\"Name\":\"Memory\",\"RequiresRecreation\":\"Always\"," \
	"\"Path\":\"/Properties/Memory\",\"BeforeValue\":\"4096\",\"AfterValue\":\"8192\"},"               \
	"\"Evaluation\":\"Dynamic\",\"ChangeSource\":\"DirectModification\"}"
#define LATER                                                                                                   \
	"{\"Target\":{\"Attribute\":\"Properties\",\"Name\":\"Code\",\"RequiresRecreation\":\"Conditionally\"," \
	"\"Path\":\"/Properties/Code/ImageUri\",\"BeforeValue\":\"a\\u001b[31m\\n\","                           \
	"\"AfterValue\":\"{{changeSet:KNOWN_AFTER_APPLY}}\"},"                                                  \
	"\"ChangeSource\":\"ResourceAttribute\",\"CausingEntity\":\"LambdaRole.Arn\"}"
#define TAGS                                                                                      \
	"{\"Target\":{\"Attribute\":\"Tags\",\"RequiresRecreation\":\"Never\"},\"ChangeSource\":" \
	"\"DirectModification\"}"

static char *text_of(int (*put)(struct buf *out, const cJSON *reply), const char *reply)
{
	cJSON *tree = cJSON_Parse(reply);
	struct buf out = BUF_INIT(8192);

	assert_non_null(tree);
	assert_int_equal(put(&out, tree), 0);
	cJSON_Delete(tree);
	return buf_take(&out);
}

static void test_changes(void **state)
{
	static const struct {
		const char *reply, *text;
	} rows[] = {
		{CHANGE(SERVER ",\"Details\":[" MEMORY "," MEMORY_AGAIN "]"),
		 "deploy would change 1 resource\n"
		 "    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory\n"
		 "        Memory: 4096 -> 8192 (replaces the resource)\n"
		 "a running server stays unchanged until control/restart-task\n"},
		{CHANGE("\"Action\":\"Modify\",\"LogicalResourceId\":\"F\",\"ResourceType\":\"AWS::Lambda::Function\","
			"\"Replacement\":\"Conditional\",\"Details\":[" LATER "," TAGS "]"),
		 "deploy would change 1 resource\n"
		 "    perhaps replaces F (AWS::Lambda::Function) because of LambdaRole.Arn\n"
		 "        Code/ImageUri: a\\x1b[31m\\n -> (known after the deploy) (may replace the resource)\n"
		 "        Tags\n"
		 "        interruption: queries that are running fail\n"},
		{CHANGE("\"Action\":\"Modify\",\"LogicalResourceId\":\"F\",\"ResourceType\":\"AWS::Lambda::Function\","
			"\"Replacement\":\"False\",\"Details\":[" TAGS "]"),
		 "deploy would change 1 resource\n    updates F (AWS::Lambda::Function) because of the template\n"
		 "        Tags\n"},
		{CHANGE("\"Action\":\"Remove\",\"LogicalResourceId\":\"M\",\"ResourceType\":\"AWS::EFS::MountTarget\""),
		 "deploy would change 1 resource\n    removes M (AWS::EFS::MountTarget)\n"
		 "        interruption: the server loses its storage\n"
		 "while a task runs, deploy would refuse this: touch control/stop-all-tasks first\n"},
		{CHANGE("\"Action\":\"Dynamic\",\"LogicalResourceId\":\"X\",\"ResourceType\":\"T\""),
		 "deploy would change 1 resource\n    perhaps changes X (T)\n"},
		{CHANGE("\"Action\":\"Add\",\"LogicalResourceId\":\"X\",\"ResourceType\":\"AWS::EC2::EIP\",\"Details\":"
			"\"\""),
		 "deploy would change 1 resource\n    creates X (AWS::EC2::EIP)\n"},
		{"{\"Changes\":[]}", "deploy would change outputs or metadata, no resource\n"},
		{"{\"Changes\":[{\"Type\":\"Resource\"}, 7]}",
		 "deploy would change outputs or metadata, no resource\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *text = text_of(plan_put_changes, rows[i].reply);

		assert_string_equal(text, rows[i].text);
	}
}

static void test_long_values_are_cut(void **state)
{
	char reply[4096], value[1000];
	_free_ char *text = NULL;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(reply, sizeof(reply),
		 CHANGE(SERVER ",\"Details\":[{\"Target\":{\"Name\":\"Policies\",\"BeforeValue\":\"%s\"}}]"), value);
	text = text_of(plan_put_changes, reply);
	assert_non_null(strstr(text, "xxx... -> (none)\n"));
	assert_true(strlen(text) < 500);
}

static void test_a_plan_that_does_not_fit(void **state)
{
	cJSON *tree = cJSON_Parse(CHANGE(SERVER));
	_buf_ struct buf out = BUF_INIT(40);

	(void)state;
	assert_int_equal(plan_put_changes(&out, tree), -EFBIG);
	cJSON_Delete(tree);
}

/* -- drift ----------------------------------------------------------------------------------------------------- */

#define DRIFT(id, type, status, more)                                                                    \
	"{\"LogicalResourceId\":\"" id "\",\"PhysicalResourceId\":\"p-" id "\",\"ResourceType\":\"" type \
	"\",\"StackResourceDriftStatus\":\"" status "\"" more "}"

static void test_drifts(void **state)
{
	cJSON *drifts =
		cJSON_Parse("{\"StackResourceDrifts\":[" DRIFT("Role", "AWS::IAM::Role", "IN_SYNC", "") "," DRIFT(
			"Gone", "AWS::Logs::LogGroup", "DELETED",
			"") "," DRIFT("Nat", "AWS::EC2::NatGateway", "UNKNOWN",
				      ",\"DriftStatusReason\":\"Rate\\nexceeded\"") "," DRIFT("New", "AWS::X::Y",
											      "UNSUPPORTED",
											      "") "," DRIFT("Group",
													    "AWS::EC2::"
													    "SecurityGr"
													    "oup",
													    "MODIFIED",
													    ",\"Propert"
													    "yDifferenc"
													    "es\":["
													    "{\"Propert"
													    "yPath\":"
													    "\"/A/0/"
													    "B\","
													    "\"Expected"
													    "Value\":"
													    "\"1\","
													    "\"ActualVa"
													    "lue\":"
													    "\"2\\u0007"
													    "\","
													    "\"Differen"
													    "ceType\":"
													    "\"NOT_"
													    "EQUAL\"},"
													    "{\"Propert"
													    "yPath\":"
													    "\"/A/"
													    "1\","
													    "\"Expected"
													    "Value\":"
													    "\"null\","
													    "\"ActualVa"
													    "lue\":\"{}"
													    "\","
													    "\"Differen"
													    "ceType\":"
													    "\"ADD\"},"
													    "{\"Propert"
													    "yPath\":"
													    "\"/"
													    "C\","
													    "\"Expected"
													    "Value\":"
													    "\"x\","
													    "\"ActualVa"
													    "lue\":"
													    "\"null\","
													    "\"Differen"
													    "ceType\":"
													    "\"REMOVE\""
													    "}]") "]}");
	cJSON *resources = cJSON_Parse(
		"{\"StackResources\":[{\"LogicalResourceId\":\"Policy\",\"ResourceType\":\"AWS::IAM::Policy\"},"
		"{\"LogicalResourceId\":\"Role\",\"ResourceType\":\"AWS::IAM::Role\"},"
		"{\"LogicalResourceId\":\"Old\",\"ResourceType\":\"T\",\"ResourceStatus\":\"DELETE_COMPLETE\"}]}");
	_buf_ struct buf out = BUF_INIT(8192), small = BUF_INIT(60);
	struct drift_counts n;

	(void)state;
	assert_int_equal(drift_put_resources(&out, drifts, resources, &n), 0);
	assert_string_equal(buf_str(&out),
			    "2 of 6 resources differ from the template\n"
			    "modified Group (AWS::EC2::SecurityGroup), p-Group\n"
			    "    A/0/B: expected 1, actual 2\\x07\n"
			    "    A/1: expected (none), actual {}\n"
			    "    C: expected x, actual (none)\n"
			    "deleted Gone (AWS::Logs::LogGroup), p-Gone\n"
			    "not known Nat (AWS::EC2::NatGateway), p-Nat: Rate\\nexceeded\n"
			    "not checked New (AWS::X::Y), p-New\n"
			    "not checked Policy (AWS::IAM::Policy): AWS does not detect drift of this type\n"
			    "in sync: 1 resource\n");
	assert_int_equal(n.modified, 1);
	assert_int_equal(n.deleted, 1);
	assert_int_equal(n.in_sync, 1);
	assert_int_equal(n.unknown, 1);
	assert_int_equal(n.unchecked, 2);
	assert_int_equal(drift_put_resources(&small, drifts, resources, NULL), -EFBIG);
	cJSON_Delete(drifts);
	cJSON_Delete(resources);
}

static void test_no_drift(void **state)
{
	_buf_ struct buf out = BUF_INIT(8192);

	(void)state;
	assert_int_equal(drift_put_resources(&out, NULL, NULL, NULL), 0);
	assert_string_equal(buf_str(&out), "no difference from the template was found\nin sync: 0 resources\n");
}

static void test_reasons(void **state)
{
	static const struct {
		const char *reason, *text;
	} rows[] = {
		{"{\"Summary\":\"Failed to detect drift on resources [A]\",\"Failures\":[{\"Resource\":\"A\","
		 "\"FailureReason\":\"Rate exceeded\"},{\"Resource\":\"B\",\"FailureReason\":\"x\"}]}",
		 "Failed to detect drift on resources [A]: Rate exceeded"},
		{"{\"Summary\":\"s\",\"Failures\":7}", "s"},
		{"{\"Other\":1}", "{\"Other\":1}"},
		{"Failed to detect\ndrift", "Failed to detect\\ndrift"},
		{"", "AWS gives no reason"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf out = BUF_INIT(8192);

		assert_int_equal(drift_put_reason(&out, rows[i].reason), 0);
		assert_string_equal(buf_str(&out), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_a_plan_that_does_not_fit),
		cmocka_unit_test(test_drifts),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
