/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SERVICE(status, tags)                                                                                   \
	"{\"services\":[{\"serviceArn\":\"arn:s\",\"status\":\"" status "\",\"desiredCount\":2,"                \
	"\"taskDefinition\":\"d:1\",\"tags\":[" tags "],\"events\":["                                           \
	"{\"id\":\"3\",\"message\":\"third\"},{\"id\":\"2\",\"message\":\"second\"},{\"id\":\"1\",\"message\":" \
	"\"first\"}]}]}"
#define OURS "{\"key\":\"vastfs:started-after\",\"value\":\"12.500\"},{\"key\":\"vastfs:stage\",\"value\":\"x\"}"

static struct service parse(const char *text, struct error *ret_check)
{
	cJSON *reply = cJSON_Parse(text);
	struct service s = service_parse(reply, "x");

	assert_non_null(reply);
	cJSON_Delete(reply);
	*ret_check = (struct error){0};
	service_check_ours(&s, ret_check);
	return s;
}

static void test_whose_it_is(void **state)
{
	struct error err;
	struct service s = parse(SERVICE("ACTIVE", OURS), &err);

	(void)state;
	assert_int_equal(err.errnum, 0);
	assert_int_equal(s.state, SERVICE_ACTIVE);
	assert_true(service_is_wanted(&s));
	assert_int_equal(s.desired, 2);
	assert_true(s.after > 12.4 && s.after < 12.6);
	assert_string_equal(s.definition, "d:1");
	s = parse(SERVICE("ACTIVE", "{\"key\":\"vastfs:stage\",\"value\":\"y\"}"), &err);
	assert_int_equal(err.errnum, -EEXIST);
	assert_false(service_is_wanted(&s));
	s = parse(SERVICE("DRAINING", ""), &err);
	assert_int_equal(err.errnum, -EEXIST);
	s = parse(SERVICE("DRAINING", OURS), &err);
	assert_int_equal(s.state, SERVICE_DRAINING);
	assert_false(service_is_wanted(&s));
	/* the name can be used again */
	s = parse(SERVICE("INACTIVE", ""), &err);
	assert_int_equal(err.errnum, 0);
	assert_int_equal(s.state, SERVICE_NONE);
}

static void test_the_way_out_names_region_and_cluster(void **state)
{
	struct service s = {.state = SERVICE_ACTIVE,
			    .arn = "arn:aws-cn:ecs:cn-north-1:123456789012:service/vast-x-Cluster-1/vast-server"};
	struct error err = {0};

	(void)state;
	assert_int_equal(service_check_ours(&s, &err), -EEXIST);
	assert_non_null(strstr(err.remedy, "--region cn-north-1 --cluster vast-x-Cluster-1 --service arn:aws-cn:ecs:"));
}

static void test_none(void **state)
{
	static const char *const texts[] = {"{\"services\":[],\"failures\":[{\"reason\":\"MISSING\"}]}", "{}",
					    "{\"services\":7}", "{\"services\":[7]}"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct service s = parse(texts[i], &err);

		assert_int_equal(s.state, SERVICE_NONE);
		assert_int_equal(err.errnum, 0);
	}
	assert_int_equal(service_parse(NULL, "x").state, SERVICE_NONE);
}

static void test_events_that_are_new(void **state)
{
	cJSON *reply = cJSON_Parse(SERVICE("ACTIVE", OURS));
	const char *messages[2];

	(void)state;
	assert_int_equal(service_new_events(reply, "2", messages, 2), 1);
	assert_string_equal(messages[0], "third");
	assert_int_equal(service_new_events(reply, "3", messages, 2), 0);
	assert_int_equal(service_new_events(reply, "", messages, 2), 2);
	assert_int_equal(service_new_events(reply, "gone", messages, 2), 2);
	assert_string_equal(service_last_event_id(reply), "3");
	assert_int_equal(service_new_events(NULL, "", messages, 2), 0);
	cJSON_Delete(reply);
}

static void test_counts_that_are_none(void **state)
{
	static const char *const counts[] = {"-1", "0.5", "5e9", "9e300", "\"x\"", "null"};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char text[64];
		struct error err;

		snprintf(text, sizeof(text), "{\"services\":[{\"desiredCount\":%s}]}", counts[i]);
		assert_int_equal(parse(text, &err).desired, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_it_is),
		cmocka_unit_test(test_the_way_out_names_region_and_cluster),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_counts_that_are_none),
		cmocka_unit_test(test_events_that_are_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
