/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan.h"

#include "stack/resolve.h"
#include "stack/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BASE "aws_region=us-east-1\nvpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\n"

static const struct template_facts facts = {.internet_gateway_id = "igw-1",
					    .availability_zone = "us-east-1a",
					    .image_uri = "repo@sha256:1",
					    .file_system_id = "fs-1"};

static cJSON *parameters_of(const char *text, const struct template_facts *f)
{
	struct settings *s;
	cJSON *parameters;

	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), 0);
	parameters = template_parameters(s, f);
	settings_unref(s);
	assert_non_null(parameters);
	return parameters;
}

static void test_template_is_text_with_a_version(void **state)
{
	size_t len;
	const char *text = template_text(&len);
	cJSON *tree = template_tree();
	const cJSON *version;

	(void)state;
	assert_int_equal(strlen(text), len);
	assert_in_range(len, 1000, 51200);
	version = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "Metadata"), "vastfs");
	version = cJSON_GetObjectItem(version, "TemplateVersion");
	assert_non_null(version);
	assert_in_range(template_version(), 1, 1000);
	assert_int_equal(template_version(), version->valueint);
	cJSON_Delete(tree);
}

static void test_parameters_are_the_template_s_in_its_order(void **state)
{
	cJSON *tree = template_tree(), *parameters = parameters_of(BASE, &facts);
	const cJSON *want, *have = parameters->child;

	(void)state;
	cJSON_ArrayForEach (want, cJSON_GetObjectItem(tree, "Parameters")) {
		assert_non_null(have);
		assert_string_equal(cJSON_GetObjectItem(have, "ParameterKey")->valuestring, want->string);
		assert_true(cJSON_IsString(cJSON_GetObjectItem(have, "ParameterValue")));
		have = have->next;
	}
	assert_null(have);
	cJSON_Delete(tree);
	cJSON_Delete(parameters);
}

static void test_values_of_parameters(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{"VpcId", "vpc-12345678"},
		{"PrivateCidr", "10.0.1.0/28"},
		{"PublicCidr", "10.0.1.16/28"},
		{"InternetGatewayId", "igw-1"},
		{"ImageUri", "repo@sha256:1"},
		{"FileSystemId", "fs-1"},
		{"ServerPort", "42000"},
		{"Stage", "default"},
		{"ServerCommand", "exec vast -e 0.0.0.0:42000 start"},
		{"ServerEnvironment", ""},
		{"ServerDiskSize", "20"},
		{"LambdaTmpSize", "512"},
	};
	const struct template_facts unknown = {0};
	cJSON *known = parameters_of(BASE, &facts), *ephemeral = parameters_of(BASE "vast_storage=ephemeral", &facts);
	cJSON *none = parameters_of(BASE, &unknown);
	cJSON *set = parameters_of(BASE "vast_command=FOO=all sh -c 'x; y'\nserver_environment= A=1, B=2 3\n"
					"server_disk_size=21\nlambda_tmp_size=1024\n",
				   &facts);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(template_parameter(known, rows[i].name), rows[i].value);
	assert_string_equal(template_parameter(ephemeral, "FileSystemId"), "");
	assert_string_equal(template_parameter(set, "ServerCommand"), "FOO=all exec sh -c 'x; y'");
	assert_string_equal(template_parameter(set, "ServerEnvironment"), "A=1,B=2 3");
	assert_string_equal(template_parameter(set, "ServerDiskSize"), "21");
	assert_string_equal(template_parameter(set, "LambdaTmpSize"), "1024");
	assert_null(template_parameter(none, "ImageUri"));
	assert_null(template_parameter(known, "NoSuchThing"));
	cJSON_Delete(known);
	cJSON_Delete(ephemeral);
	cJSON_Delete(none);
	cJSON_Delete(set);
}

static void test_versions(void **state)
{
	cJSON *newer = cJSON_Parse("[{\"OutputKey\":\"VpcId\",\"OutputValue\":\"7000\"},"
				   "{\"OutputKey\":\"TemplateVersion\",\"OutputValue\":\"9999\"}]");
	struct error err = {0};

	(void)state;
	assert_int_equal(template_check_version(NULL, &err), 0);
	assert_int_equal(template_check_version(newer, &err), -EINVAL);
	assert_non_null(strstr(err.message, "newer vastfs (template version 9999"));
	cJSON_Delete(newer);
}

static void test_resources_by_condition(void **state)
{
	cJSON *efs = parameters_of(BASE, &facts), *none = parameters_of(BASE "vast_storage=ephemeral\n", &facts);
	cJSON *with = resolve_template(efs), *without = resolve_template(none), *task;

	(void)state;
	assert_non_null(cJSON_GetObjectItem(with, "MountTarget"));
	assert_null(cJSON_GetObjectItem(without, "MountTarget"));
	task = cJSON_GetObjectItem(cJSON_GetObjectItem(with, "TaskDefinition"), "Properties");
	assert_string_equal(cJSON_GetObjectItem(task, "Cpu")->valuestring, "2048");
	assert_non_null(cJSON_GetObjectItem(task, "Volumes"));
	task = cJSON_GetObjectItem(cJSON_GetObjectItem(without, "TaskDefinition"), "Properties");
	assert_null(cJSON_GetObjectItem(task, "Volumes"));
	task = cJSON_GetObjectItem(task, "ContainerDefinitions")->child;
	assert_null(cJSON_GetObjectItem(task, "MountPoints"));
	assert_string_equal(cJSON_GetObjectItem(task, "Command")->child->valuestring,
			    "exec vast -e 0.0.0.0:42000 start");
	cJSON_Delete(efs);
	cJSON_Delete(none);
	cJSON_Delete(with);
	cJSON_Delete(without);
}

/* The plan for text compared with the deployed BASE. Without facts in f, the plan is made before they are known. */
static char *plan_of(const char *status, const char *text, const struct template_facts *f)
{
	cJSON *wanted = parameters_of(text, f), *deployed = parameters_of(BASE, &facts);
	cJSON *outputs = cJSON_CreateArray(), *output = cJSON_CreateObject();
	struct plan p = {"vast-default", status, wanted, *status ? deployed : NULL, outputs};
	struct buf out = BUF_INIT(8192);
	char version[16];

	snprintf(version, sizeof(version), "%u", template_version());
	cJSON_AddStringToObject(output, "OutputKey", "TemplateVersion");
	cJSON_AddStringToObject(output, "OutputValue", version);
	cJSON_AddItemToArray(outputs, output);
	assert_int_equal(plan_write(&p, &out), 0);
	cJSON_Delete(wanted);
	cJSON_Delete(deployed);
	cJSON_Delete(outputs);
	return buf_take(&out);
}

static void test_plans(void **state)
{
	static const struct {
		const char *status, *settings, *lines[6], *without;
	} rows[] = {
		{"",
		 BASE,
		 {"nothing is deployed: deploy would create 26 resources\n",
		  "creates MountTarget (AWS::EFS::MountTarget)\n"},
		 "->"},
		{"DELETE_COMPLETE", BASE "vast_storage=ephemeral", {"would create 22 resources\n"}, "EFS"},
		{"ROLLBACK_COMPLETE",
		 BASE,
		 {"vast-default is ROLLBACK_COMPLETE: deploy would delete it first, then create 26"},
		 NULL},
		{"UPDATE_IN_PROGRESS", BASE, {"vast-default is UPDATE_IN_PROGRESS"}, "creates"},
		{"UPDATE_ROLLBACK_FAILED", BASE, {"continue the rollback first"}, "creates"},
		{"IMPORT_ROLLBACK_FAILED", BASE, {"control/destroy"}, "creates"},
		{"CREATE_COMPLETE",
		 BASE "server_memory=8192",
		 {"    server_memory: 4096 -> 8192 (parameter ServerMemory)\n",
		  "deploy would change 1 resource\n"
		  "    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory\n"
		  "a running server stays unchanged until control/restart-task\n"},
		 "Function"},
		{"UPDATE_COMPLETE",
		 BASE "lambda_timeout=9",
		 {"    lambda_timeout: 300 -> 9 (parameter LambdaTimeout)\n",
		  "    updates Function (AWS::Lambda::Function) because of lambda_timeout\n"},
		 "restart-task"},
		{"UPDATE_COMPLETE",
		 BASE "lambda_timeout=9\nlambda_memory=512",
		 {"lambda_memory: 2048 -> 512 ", "lambda_timeout: 300 -> 9 ",
		  "updates Function (AWS::Lambda::Function) because of lambda_memory, lambda_timeout\n"},
		 "interruption"},
		{"UPDATE_COMPLETE",
		 BASE "vast_port=42001",
		 {"vast_port: 42000 -> 42001 ",
		  "updates ServerSecurityGroup (AWS::EC2::SecurityGroup) because of vast_port\n",
		  "replaces TaskDefinition"},
		 "stop-all-tasks"},
		{"UPDATE_COMPLETE",
		 BASE "vast_storage=ephemeral",
		 {"vast_storage: efs -> ephemeral ",
		  "removes MountTarget (AWS::EFS::MountTarget) because of vast_storage\n"
		  "        interruption: the server loses its storage\n",
		  "removes AccessPoint", "replaces TaskDefinition",
		  "vast_storage: fs-1 -> (none) (parameter FileSystemId)\n", "stop-all-tasks first"},
		 "replaces MountTarget"},
		{"UPDATE_COMPLETE",
		 BASE "subnet_cidr=10.0.2.0/27",
		 {"subnet_cidr: 10.0.1.0/28 -> 10.0.2.0/28 (parameter PrivateCidr)\n",
		  "replaces PrivateSubnet (AWS::EC2::Subnet) because of subnet_cidr\n",
		  "interruption: connections to the Internet end", "updates Function", "stop-all-tasks first",
		  "deploy would refuse: subnet_cidr"},
		 NULL},
		{"UPDATE_COMPLETE",
		 BASE "architecture=arm64",
		 {"architecture: x86_64 -> arm64 ", "replaces TaskDefinition", "updates Function"},
		 NULL},
		{"UPDATE_COMPLETE",
		 BASE "role_policies=arn:aws:iam::aws:policy/ReadOnlyAccess",
		 {"role_policies: (none) -> arn:aws:iam::aws:policy/ReadOnlyAccess ",
		  "updates TaskRole (AWS::IAM::Role) because of role_policies\n",
		  "updates LambdaRole (AWS::IAM::Role)"},
		 "ExecutionRole"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *text = plan_of(rows[i].status, rows[i].settings, &facts);

		for (size_t j = 0; j < ARRAY_SIZE(rows[i].lines) && rows[i].lines[j]; j++)
			if (!strstr(text, rows[i].lines[j]))
				fail_msg("%zu lacks \"%s\":\n%s", i, rows[i].lines[j], text);
		if (rows[i].without && strstr(text, rows[i].without))
			fail_msg("%zu has \"%s\":\n%s", i, rows[i].without, text);
	}
}

/* A replaced resource changes the resources that refer to it, for each form of a reference. */
static void test_effects_go_on_along_names(void **state)
{
	static const char *const old =
		"{\"A\": {\"Type\": \"AWS::EC2::Subnet\", \"Properties\": {\"CidrBlock\": \"10.0.0.0/28\"}},"
		" \"R\": {\"Properties\": {\"P\": {\"Ref\": \"A\"}}},"
		" \"G\": {\"Properties\": {\"P\": [{\"Fn::GetAtt\": [\"A\", \"Arn\"]}]}},"
		" \"S\": {\"Properties\": {\"P\": [\"arn:${AWS::Partition}:x/${A}\"]}},"
		" \"T\": {\"Properties\": {\"P\": \"${A.Arn}\"}},"
		" \"N\": {\"Properties\": {\"P\": \"${AB} A $A {A}\"}}}";
	cJSON *before = cJSON_Parse(old), *after = cJSON_Parse(old), *effects;
	_free_ char *text = NULL;

	(void)state;
	cJSON_SetValuestring(cJSON_GetObjectItem(cJSON_GetObjectItem(after->child, "Properties"), "CidrBlock"),
			     "10.0.1.0/28");
	effects = resolve_effects(before, after);
	text = cJSON_PrintUnformatted(effects);
	assert_string_equal(text, "{\"A\":\"replaces\",\"R\":\"updates\",\"G\":\"updates\",\"S\":\"updates\","
				  "\"T\":\"updates\"}");
	cJSON_Delete(before);
	cJSON_Delete(after);
	cJSON_Delete(effects);
}

static void test_every_parameter_has_a_setting(void **state)
{
	cJSON *parameters = parameters_of(BASE, &facts);
	const cJSON *parameter;

	(void)state;
	cJSON_ArrayForEach (parameter, parameters)
		assert_non_null(template_setting(cJSON_GetObjectItem(parameter, "ParameterKey")->valuestring));
	assert_string_equal(template_setting("PrivateCidr"), "subnet_cidr");
	assert_null(template_setting("NoSuchThing"));
	cJSON_Delete(parameters);
}

static void test_up_to_date(void **state)
{
	const struct template_facts unknown = {0};
	_free_ char *same = plan_of("CREATE_COMPLETE", BASE, &facts),
		    *unsure = plan_of("CREATE_COMPLETE", BASE, &unknown);
	_free_ char *changed = plan_of("CREATE_COMPLETE", BASE "vast_port=1", &unknown);
	_free_ char *small = plan_of("CREATE_COMPLETE", BASE "lambda_timeout=9", &unknown);

	(void)state;
	assert_string_equal(same, "up to date\n");
	assert_string_equal(unsure, "up to date\n");
	assert_non_null(strstr(changed, "vast_port: 42000 -> 1 (parameter ServerPort)\n"));
	assert_non_null(strstr(changed, "ImageUri: known only during the deploy"));
	assert_null(strstr(changed, "MountTarget"));
	assert_non_null(strstr(small, "lambda_timeout: 300 -> 9 "));
	assert_null(strstr(small, "restart-task"));
	assert_null(strstr(small, "stop-all-tasks"));
}

/* On its own, another FileSystemId would replace the mount target; here there is no mount target yet. */
static void test_parameters_that_depend_on_each_other(void **state)
{
	cJSON *wanted = parameters_of(BASE, &facts), *deployed = parameters_of(BASE "vast_storage=ephemeral", &facts);
	struct plan p = {"vast-default", "CREATE_COMPLETE", wanted, deployed, NULL};
	_buf_ struct buf out = BUF_INIT(8192);

	(void)state;
	assert_int_equal(plan_write(&p, &out), 0);
	assert_non_null(strstr(buf_str(&out), "template: version 0 -> "));
	assert_non_null(strstr(buf_str(&out), "creates MountTarget"));
	assert_non_null(strstr(buf_str(&out), "vast_storage: (none) -> fs-1 (parameter FileSystemId)\n"));
	assert_null(strstr(buf_str(&out), "replaces MountTarget"));
	cJSON_Delete(wanted);
	cJSON_Delete(deployed);
}

static void test_a_plan_that_does_not_fit_says_so(void **state)
{
	cJSON *wanted = parameters_of(BASE, &facts);
	struct plan p = {.stack_name = "vast-default", .wanted = wanted};
	_buf_ struct buf out = BUF_INIT(100);

	(void)state;
	assert_int_equal(plan_write(&p, &out), -EFBIG);
	cJSON_Delete(wanted);
}

static size_t allocations_left;

/* Returns NULL once, when no allocations are left. */
static void *failing_malloc(size_t size)
{
	return allocations_left-- ? malloc(size) : NULL;
}

/* Each allocation of the trees fails in turn. The plan is either refused with -ENOMEM or complete; no line is lost. */
static void plan_with_little_memory(const struct plan *p)
{
	cJSON_Hooks hooks = {failing_malloc, free};
	_buf_ struct buf whole = BUF_INIT(8192);
	bool failed = true;

	assert_int_equal(plan_write(p, &whole), 0);
	cJSON_InitHooks(&hooks);
	for (size_t n = 0; failed; n += n < 3000 ? 1 : 97) {
		_buf_ struct buf out = BUF_INIT(8192);
		int r;

		allocations_left = n;
		r = plan_write(p, &out);
		failed = allocations_left > n;
		if (r == 0)
			assert_string_equal(buf_str(&out), buf_str(&whole));
		else
			assert_int_equal(r, -ENOMEM);
	}
	cJSON_InitHooks(NULL);
}

static void test_without_memory_there_is_no_plan(void **state)
{
	const struct template_facts unknown = {0};
	cJSON *wanted = parameters_of(BASE "vast_storage=ephemeral\n", &unknown),
	      *deployed = parameters_of(BASE, &facts);
	struct plan update = {"vast-default", "CREATE_COMPLETE", wanted, deployed, NULL};
	struct plan create = {"vast-default", "", wanted, NULL, NULL};

	(void)state;
	plan_with_little_memory(&update);
	plan_with_little_memory(&create);
	cJSON_Delete(wanted);
	cJSON_Delete(deployed);
}

static void test_without_memory_there_are_no_parameters(void **state)
{
	cJSON_Hooks hooks = {failing_malloc, free};
	struct settings *s;
	cJSON *parameters = NULL, *none = cJSON_CreateArray(), *names = NULL;

	(void)state;
	assert_int_equal(settings_parse(BASE, strlen(BASE), &s, NULL), 0);
	cJSON_InitHooks(&hooks);
	for (size_t n = 0; !parameters; n++) {
		allocations_left = n;
		parameters = template_parameters(s, &facts);
	}
	for (size_t n = 0; !names; n++) {
		allocations_left = n;
		names = template_differences(parameters, none);
	}
	cJSON_InitHooks(NULL);
	assert_int_equal(cJSON_GetArraySize(parameters), 22);
	assert_int_equal(cJSON_GetArraySize(names), 22);
	cJSON_Delete(parameters);
	cJSON_Delete(names);
	cJSON_Delete(none);
	settings_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template_is_text_with_a_version),
		cmocka_unit_test(test_parameters_are_the_template_s_in_its_order),
		cmocka_unit_test(test_values_of_parameters),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_resources_by_condition),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_effects_go_on_along_names),
		cmocka_unit_test(test_every_parameter_has_a_setting),
		cmocka_unit_test(test_up_to_date),
		cmocka_unit_test(test_parameters_that_depend_on_each_other),
		cmocka_unit_test(test_a_plan_that_does_not_fit_says_so),
		cmocka_unit_test(test_without_memory_there_is_no_plan),
		cmocka_unit_test(test_without_memory_there_are_no_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
