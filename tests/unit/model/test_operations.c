/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests operations of an earlier mount, and logins, which run beside the other operations. */
#include "scripted.h"

#include <time.h>

static const struct requester who = {.pid = 42, .uid = 1000};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < model_verbs_n; i++)
		if (strcmp(model_verbs[i].name, name) == 0)
			return &model_verbs[i];
	return NULL;
}

/* The operation thread works beside this one. */
static void wait_for_end(struct job *j)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	time_t deadline = time(NULL) + 60;

	for (;;) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		script_settle();
		if (job_state_ended(v->state))
			return;
		assert_true(time(NULL) < deadline);
		nanosleep(&pause, NULL);
	}
}

/* -- operations of vastfs 0.1, which recorded a hash of the settings and no place ------------------------------- */

static void hash_of_settings(struct script *s, char hash[static SETTINGS_HASH_SIZE])
{
	struct snapshot *now;

	script_start(s);
	now = model_snapshot(s->m);
	settings_hash_first(now->settings, hash);
	snapshot_unref(now);
	script_stop(s);
}

static void test_an_operation_of_the_first_version(void **state)
{
	static const struct {
		const char *name;
		bool changed; /* the settings are no longer those with which it was started */
		enum job_state state;
		const char *message;
	} rows[] = {
		{"deploy", true, JOB_FAILED, "interrupted when vastfs ended, and the settings have changed since"},
		{"destroy", false, JOB_UNKNOWN,
		 "not resumed: vastfs 0.1 started the operation and did not record in which account to destroy"},
		{"defragment", false, JOB_UNKNOWN, "not resumed: this version of vastfs has no operation defragment"},
		{"stop-all-tasks", false, JOB_SUCCEEDED, ""},
	};
	struct script *s = *state;
	char hash[SETTINGS_HASH_SIZE], text[512];

	hash_of_settings(s, hash);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *now;
		struct job_view *v;

		snprintf(
			text, sizeof(text),
			"{\"journal\":2}\n{\"entry\":{\"number\":1,\"name\":\"%s\",\"settings\":\"%s\",\"state\":1}}\n",
			rows[i].name, rows[i].changed ? "other" : hash);
		script_write(s, "journal.jsonl", text);
		script_start(s);
		now = model_snapshot(s->m);
		assert_int_equal(now->operations->n, 1);
		wait_for_end(now->operations->jobs[0]);
		v = job_view(now->operations->jobs[0]);
		assert_int_equal(v->state, rows[i].state);
		assert_string_equal(v->error->message, rows[i].message);
		job_view_unref(v);
		snapshot_unref(now);
		script_stop(s);
	}
}

/* The environment names an endpoint that is no URL: the operation waits for a mount without this mistake. */
static void test_an_operation_without_a_client(void **state)
{
	struct script *s = *state;
	struct snapshot *now;
	struct job_view *v;
	struct error err = {0};

	script_write(s, "journal.jsonl",
		     "{\"journal\":2}\n{\"entry\":{\"number\":1,\"name\":\"deploy\",\"state\":1,"
		     "\"stack\":\"vast-prod\",\"memory\":{\"settings\":\"stage=prod\\n\"}}}\n");
	setenv("AWS_ENDPOINT_URL", "nonsense", 1);
	script_start(s);
	unsetenv("AWS_ENDPOINT_URL");
	now = model_snapshot(s->m);
	v = job_view(now->operations->jobs[0]);
	assert_int_equal(v->state, JOB_UNKNOWN);
	assert_non_null(strstr(v->error->message, "AWS_ENDPOINT_URL"));
	assert_non_null(strstr(v->error->remedy, "mount again"));
	assert_true(model_verb_check(s->m, find_verb("deploy"), "", &err) < 0);
	assert_non_null(strstr(err.message, "AWS_ENDPOINT_URL"));
	job_view_unref(v);
	snapshot_unref(now);
}

/* Without memory at the mount the operation is not resumed by this mount, but by the next one. */
static void test_resuming_without_memory(void **state)
{
	struct script *s = *state;
	struct model_config config = {.config_dir = s->config, .state_dir = s->dir, .cache_dir = s->dir};
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct error err = {0};
		struct snapshot *now;
		int r;

		script_write(s, "journal.jsonl",
			     "{\"journal\":2}\n{\"entry\":{\"number\":1,\"name\":\"stop-all-tasks\",\"state\":1,"
			     "\"memory\":{\"settings\":\"stage=prod\\naws_region=eu-west-1\\n\"}}}\n");
		script_fail_allocation(n);
		r = model_start(&config, &s->m, &err);
		failed = script_allocation_failed();
		script_fail_allocation(0);
		if (r < 0)
			continue;
		now = model_snapshot(s->m);
		if (now->operations->n)
			wait_for_end(now->operations->jobs[0]);
		snapshot_unref(now);
		script_stop(s);
	}
}

/* A lack of memory refuses the operation, or it is accepted as a whole. */
static void test_accepting_without_memory(void **state)
{
	struct script *s = *state;
	bool failed = true;

	script_start(s);
	for (unsigned n = 1; failed; n++) {
		struct error err = {0};
		struct job *j = NULL;
		int r;

		script_fail_allocation(n);
		r = model_verb_run(s->m, find_verb("stop-all-tasks"), "", who, &j, &err);
		failed = script_allocation_failed();
		script_fail_allocation(0);
		assert_int_equal(r == 0, j != NULL);
		if (j)
			wait_for_end(j);
		job_unref(j);
	}
}

/* -- signing in ------------------------------------------------------------------------------------------------ */

static void with_identity_center(struct script *s)
{
	char directory[128];

	unsetenv("AWS_ACCESS_KEY_ID");
	snprintf(directory, sizeof(directory), "mkdir -p %s/.aws", s->dir);
	assert_int_equal(system(directory), 0);
	script_write(s, ".aws/config",
		     "[default]\nsso_session = work\nsso_account_id = 111111111111\nsso_role_name = admin\n"
		     "region = eu-west-1\n[sso-session work]\nsso_start_url = https://work.awsapps.com/start\n"
		     "sso_region = eu-west-1\n");
	script_reply("RegisterClient", NULL,
		     "{\"clientId\":\"id\",\"clientSecret\":\"secret\",\"clientSecretExpiresAt\":4000000000}");
	script_reply("StartDeviceAuthorization", NULL,
		     "{\"deviceCode\":\"device\",\"userCode\":\"ABCD-EFGH\",\"verificationUri\":\"https://confirm\","
		     "\"verificationUriComplete\":\"https://confirm/?ABCD\",\"expiresIn\":600,\"interval\":1}");
	script_fail("CreateToken", NULL, "AuthorizationPendingException", "pending");
}

static struct job *login(struct script *s)
{
	struct job *j = model_job_new(s->m, JOB_OPERATION, 0, "login", "", NULL, who);

	login_begin(s->m, job_ref(j));
	return j;
}

static void assert_job(struct job *j, enum job_state state, const char *message)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	assert_int_equal(v->state, state);
	assert_string_equal(v->error->message, message);
	job_unref(j);
}

/* Two touches at the same moment: one of them waits for its confirmation, and the other names it. */
static void test_two_logins_at_once(void **state)
{
	struct script *s = *state;
	struct job *first, *second;

	with_identity_center(s);
	script_start(s);
	first = login(s);
	second = login(s);
	script_settle();
	assert_non_null(strstr(script_events(s), "open https://confirm"));
	assert_job(second, JOB_FAILED, "operation 1 (login) is running");
	job_cancel(first);
	script_settle();
	assert_job(first, JOB_CANCELLED, "cancelled");
	first = login(s);
	job_unref(first); /* the mount ends while it waits */
}

static void test_a_login_without_memory_or_profile(void **state)
{
	struct script *s = *state;
	bool failed = true;

	with_identity_center(s);
	script_start(s);
	for (unsigned n = 1; failed; n++) {
		struct job *j = model_job_new(s->m, JOB_OPERATION, 0, "login", "", NULL, who);
		_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;

		script_fail_allocation(n);
		login_begin(s->m, job_ref(j));
		script_settle();
		failed = script_allocation_failed();
		script_fail_allocation(0);
		job_cancel(j);
		script_settle();
		v = job_view(j);
		assert_true(job_state_ended(v->state));
		job_unref(j);
	}
	script_stop(s);
	/* Without settings and without the profile that the environment names, there is no client to sign in with. */
	script_write(s, "config/default.env", "aws_region=\n");
	setenv("AWS_PROFILE", "none", 1);
	script_start(s);
	job_unref(login(s));
	assert_non_null(strstr(script_error(s), "job=operations/"));
	unsetenv("AWS_PROFILE");
}

int main(void)
{
#define OPERATION_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		OPERATION_TEST(test_an_operation_of_the_first_version),
		OPERATION_TEST(test_an_operation_without_a_client),
		OPERATION_TEST(test_resuming_without_memory),
		OPERATION_TEST(test_accepting_without_memory),
		OPERATION_TEST(test_two_logins_at_once),
		OPERATION_TEST(test_a_login_without_memory_or_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
