/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests what the pictures decide: the lamp, the states of the parts, the age, the places of a template. How they look
 * is tested in tests/picture.
 */
#include "base/markup.h"
#include "fs/picture/light.h"
#include "fs/picture/parts.h"
#include "fs/picture/slots.h"
#include "fs/picture/words.h"
#include "model/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define SETTINGS_TEXT "aws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=10.0.0.0/27\n"

static struct picture p;
static struct snapshot *s;

static int make(void **state _unused_)
{
	s = snapshot_first();
	p = (struct picture){.snapshot = s, .mountpoint = "/m", .now_ms = 5000000};
	assert_int_equal(settings_parse(SETTINGS_TEXT, strlen(SETTINGS_TEXT), &s->settings, NULL), 0);
	s->contact_ms = 1000000;
	return 0;
}

static int end(void **state _unused_)
{
	snapshot_unref(s);
	return 0;
}

static void show_stack(const char *status)
{
	cJSON *reply = cJSON_Parse("{\"Stacks\":[{\"StackId\":\"arn:1\",\"Parameters\":[{\"ParameterKey\":\"Storage\","
				   "\"ParameterValue\":\"ephemeral\"}]}]}");

	cJSON_AddStringToObject(cJSON_GetObjectItem(reply, "Stacks")->child, "StackStatus", status);
	stack_view_unref(s->stack);
	s->stack = stack_view_parse("vast-x", false, reply, NULL, NULL, NULL);
	cJSON_Delete(reply);
}

static void show_server(const char *status, const char *health)
{
	_buf_ struct buf text = BUF_INIT(4096);
	cJSON *tasks;

	buf_printf(&text,
		   "[{\"taskArn\":\"a/t1\",\"lastStatus\":\"%s\",\"desiredStatus\":\"RUNNING\","
		   "\"taskDefinitionArn\":\"arn:aws:ecs:r:1:task-definition/fam:1\","
		   "\"containers\":[{\"name\":\"vast-server\",\"healthStatus\":\"%s\"}]}]",
		   status, health);
	tasks = cJSON_Parse(buf_str(&text));
	task_list_unref(s->tasks);
	s->tasks = task_list_parse(tasks, "42000", "fam", NULL);
	snprintf(s->default_task, sizeof(s->default_task), "%s", strcmp(status, "RUNNING") == 0 ? "t1" : "");
	cJSON_Delete(tasks);
}

static struct job *add_operation(const char *name)
{
	struct job_list *before = s->operations;
	struct job *j = job_new(JOB_OPERATION, before->n + 1, name, NULL);

	s->operations = job_list_with(before, j, 10);
	job_list_unref(before);
	job_unref(j);
	job_start(j);
	return j;
}

static void assert_light(enum lamp lamp, const char *word)
{
	struct light l;

	light_decide(&p, &l);
	assert_string_equal(l.word, word);
	assert_int_equal(l.lamp, lamp);
	assert_true(*l.sentence);
}

static void the_lamp_follows_the_stack(void **state _unused_)
{
	assert_light(LAMP_OFF, "No stack");
	show_stack("CREATE_IN_PROGRESS");
	assert_light(LAMP_AMBER, "Changing");
	show_stack("CREATE_COMPLETE");
	assert_light(LAMP_GREEN, "Deployed");
	show_stack("ROLLBACK_COMPLETE");
	assert_light(LAMP_RED, "Failed");
	s->stack->foreign = true;
	assert_light(LAMP_RED, "Not ours");
	s->contact_ms = 0;
	assert_light(LAMP_OFF, "Waiting");
	settings_unref(s->settings);
	s->settings = NULL;
	assert_light(LAMP_OFF, "No settings");
}

static void the_lamp_follows_the_server(void **state _unused_)
{
	show_stack("CREATE_COMPLETE");
	s->service = (struct service){.state = SERVICE_ACTIVE, .ours = true, .desired = 1};
	assert_light(LAMP_AMBER, "Starting");
	show_server("RUNNING", "UNKNOWN");
	assert_light(LAMP_GREEN, "Running");
	show_server("RUNNING", "UNHEALTHY");
	assert_light(LAMP_RED, "Unhealthy");
}

static void the_lamp_follows_operations(void **state _unused_)
{
	struct error e;
	struct job *deploy = add_operation("deploy");

	show_stack("CREATE_COMPLETE");
	assert_light(LAMP_AMBER, "Deploying");
	error_set(&e, -EIO, "no");
	job_fail(deploy, &e);
	assert_light(LAMP_RED, "Failed");
	job_fail(add_operation("login"), &e); /* does not hide the failure, and is none of the stack */
	assert_light(LAMP_RED, "Failed");
	job_cancelled(add_operation("destroy"), "wish");
	assert_light(LAMP_GREEN, "Deployed");
}

static void an_outage_is_doubtful_and_a_refusal_is_red(void **state _unused_)
{
	struct light l;

	show_stack("CREATE_COMPLETE");
	error_set(&s->contact_error, -ENETUNREACH, "no network");
	s->contact_error.duration = ERROR_TRANSIENT;
	assert_light(LAMP_AMBER, "No contact");
	light_decide(&p, &l);
	assert_true(l.is_doubtful);
	s->contact_error.duration = ERROR_PERMANENT;
	assert_light(LAMP_RED, "No access");
	error_set(&p.credentials.error, -ENOKEY, "expired");
	assert_light(LAMP_RED, "Credentials");
}

static void assert_resource(const char *status, enum part_state state, const char *word)
{
	const char *found;

	assert_int_equal(part_resource_state(status, &found), state);
	assert_string_equal(found, word);
}

static void resources_have_states(void **state _unused_)
{
	assert_resource("CREATE_COMPLETE", PART_READY, "ready");
	assert_resource("UPDATE_ROLLBACK_COMPLETE", PART_READY, "ready");
	assert_resource("CREATE_IN_PROGRESS", PART_BUSY, "creating");
	assert_resource("UPDATE_ROLLBACK_IN_PROGRESS", PART_BUSY, "updating");
	assert_resource("DELETE_IN_PROGRESS", PART_BUSY, "deleting");
	assert_resource("DELETE_COMPLETE", PART_MISSING, "deleted");
	assert_resource("DELETE_FAILED", PART_FAILED, "failed");
	assert_resource("", PART_READY, "ready");
}

static void parts_without_a_resource(void **state _unused_)
{
	assert_string_equal(part_of_vpc(&p).id, "vpc-0123456789abcdef0");
	assert_int_equal(part_of_nat(&p).state, PART_MISSING);
	assert_int_equal(part_of_server(&p).state, PART_MISSING);
	assert_int_equal(part_of_repository(&p).state, PART_MISSING);
	show_stack("CREATE_COMPLETE");
	assert_string_equal(part_of_storage(&p).word, "not used");
	show_server("PENDING", "UNKNOWN");
	assert_string_equal(part_of_server(&p).word, "starting");
	show_server("RUNNING", "HEALTHY");
	assert_string_equal(part_of_server(&p).word, "healthy");
	s->contact_ms = 0;
	assert_int_equal(part_of_nat(&p).state, PART_UNKNOWN);
}

static void assert_age(const char *expected)
{
	char text[WORDS_SIZE];

	assert_string_equal(words_age(&p, text), expected);
}

static void the_age_changes_once(void **state _unused_)
{
	p.age_ms = 1;
	assert_age("up to date");
	p.age_ms = 119999;
	assert_age("up to date");
	p.age_ms = 121000;
	assert_age("as of 1970-01-01 00:16 UTC");
	p.age_ms = 99999999;
	assert_age("as of 1970-01-01 00:16 UTC");
	p.age_ms = -1;
	assert_age("not read yet");
}

static void render_all(struct buf *out)
{
	assert_int_equal(picture_put_status(&p, out), 0);
	assert_int_equal(picture_put_diagram(&p, out), 0);
	assert_int_equal(picture_put_overview(&p, out), 0);
}

/* Or every process that watches the files would wake each second. */
static void nothing_changes_while_only_time_passes(void **state _unused_)
{
	_buf_ struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);

	show_stack("CREATE_COMPLETE");
	show_server("RUNNING", "HEALTHY");
	job_progress(add_operation("deploy"), 1, 3, "step");
	p.now_ms = 0;
	p.age_ms = 1000;
	render_all(&before);
	p.age_ms = 59000;
	render_all(&after);
	assert_string_equal(buf_str(&before), buf_str(&after));
}

/* A browser asks for the size first, and reads the text later. */
static void a_running_job_does_not_change_the_size(void **state _unused_)
{
	_buf_ struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(add_operation("deploy"));
	int64_t started = v->started_ms;

	p.now_ms = started + 9000;
	render_all(&before);
	p.now_ms = started + 3599000;
	render_all(&after);
	assert_int_equal(before.len, after.len);
	assert_string_not_equal(buf_str(&before), buf_str(&after));
}

/* A hole in a document must not look like a document. */
static void without_room_there_is_an_error(void **state _unused_)
{
	_buf_ struct buf whole = BUF_INIT(1 << 20);

	show_stack("CREATE_COMPLETE");
	assert_int_equal(picture_put_status(&p, &whole), 0);
	for (size_t room = 1; room < whole.len; room += 7) {
		_buf_ struct buf out = BUF_INIT(room);

		assert_int_equal(picture_put_status(&p, &out), -EFBIG);
	}
}

static void put_name(const struct picture *of, struct buf *out)
{
	markup(out, "%s", of->mountpoint);
}

static void places_of_a_template(void **state _unused_)
{
	static const struct slot slots[] = {{"name", put_name}, {NULL, NULL}};
	_buf_ struct buf out = BUF_INIT(100), small = BUF_INIT(4);

	assert_int_equal(slots_fill("<a>{{name}}</a>{{name}}", slots, &p, &out), 0);
	assert_string_equal(buf_str(&out), "<a>/m</a>/m");
	assert_int_equal(slots_fill("{{nam}}", slots, &p, &out), -EINVAL);
	assert_int_equal(slots_fill("{{name", slots, &p, &out), -EINVAL);
	assert_int_equal(slots_fill("{{name}} and more", slots, &p, &small), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lamp_follows_the_stack, make, end),
		cmocka_unit_test_setup_teardown(the_lamp_follows_the_server, make, end),
		cmocka_unit_test_setup_teardown(the_lamp_follows_operations, make, end),
		cmocka_unit_test_setup_teardown(an_outage_is_doubtful_and_a_refusal_is_red, make, end),
		cmocka_unit_test_setup_teardown(resources_have_states, make, end),
		cmocka_unit_test_setup_teardown(parts_without_a_resource, make, end),
		cmocka_unit_test_setup_teardown(the_age_changes_once, make, end),
		cmocka_unit_test_setup_teardown(nothing_changes_while_only_time_passes, make, end),
		cmocka_unit_test_setup_teardown(a_running_job_does_not_change_the_size, make, end),
		cmocka_unit_test_setup_teardown(without_room_there_is_an_error, make, end),
		cmocka_unit_test_setup_teardown(places_of_a_template, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
