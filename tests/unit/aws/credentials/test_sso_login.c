/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests the course of a sign-in with simulated replies. The test is linked with --wrap for the calls of AWS, the timers
 * and the clock, so it decides what comes when.
 */
#include "aws/credentials/sso_login.h"

#include "aws/client.h"
#include "aws/credentials/sso_cache.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char profile[] = "[default]\nsso_session=corp\nsso_account_id=1\nsso_role_name=r\n"
			      "[sso-session corp]\nsso_region=eu-west-1\nsso_start_url=https://x/start\n";
static const char client[] = "{\"clientId\":\"i\",\"clientSecret\":\"s\",\"clientSecretExpiresAt\":4000000000}";
static const char device[] = "{\"deviceCode\":\"d\",\"userCode\":\"ABCD\",\"verificationUri\":\"https://x/\","
			     "\"verificationUriComplete\":\"https://x/?ABCD\",\"expiresIn\":60,\"interval\":2}";
static const char token[] = "{\"accessToken\":\"t\",\"expiresIn\":3600,\"refreshToken\":\"f\"}";

static struct {
	int64_t now_ms, delay_ms;
	void (*timer)(void *arg);
	void *timer_arg;
	char operation[40];
	void (*done)(struct aws_reply *reply, void *arg);
	void *done_arg;
	unsigned cancelled, renewed;
	char events[1000]; /* what the sign-in reported, one word for each event */
	struct error end;
} world;

static char home[] = "/tmp/test-login-XXXXXX";
static struct aws aws;
static bool preparing; /* no allocation fails */

/* -- what the sign-in calls -------------------------------------------------------------------------------------- */

struct aws_call *__wrap_aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
				     void (*done)(struct aws_reply *reply, void *arg), void *arg);
void __wrap_aws_cancel(struct aws_call *call);
void __wrap_aws_renew_credentials(struct aws *a);
void __wrap_engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg);
void __wrap_engine_timer_cancel(struct engine_timer *t);
int64_t __wrap_clock_monotonic_ms(void);

struct aws_call *__wrap_aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
				     void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	(void)a;
	assert_string_equal(as->region, "eu-west-1");
	assert_null(as->identity);
	snprintf(world.operation, sizeof(world.operation), "%s", request->operation);
	world.done = done;
	world.done_arg = arg;
	aws_request_free(request);
	return (struct aws_call *)&world;
}

void __wrap_aws_cancel(struct aws_call *call)
{
	assert_ptr_equal(call, &world);
	world.cancelled++;
}

void __wrap_aws_renew_credentials(struct aws *a)
{
	(void)a;
	world.renewed++;
}

void __wrap_engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg)
{
	(void)e;
	(void)t;
	world.delay_ms = delay_ms;
	world.timer = fn;
	world.timer_arg = arg;
}

void __wrap_engine_timer_cancel(struct engine_timer *t)
{
	(void)t;
	world.timer = NULL;
}

int64_t __wrap_clock_monotonic_ms(void)
{
	return world.now_ms;
}

/* -- what the sign-in reports ------------------------------------------------------------------------------------ */

static void note(const char *format, ...) _printf_(1, 2);

static void note(const char *format, ...)
{
	size_t used = strlen(world.events);
	va_list args;

	va_start(args, format);
	vsnprintf(world.events + used, sizeof(world.events) - used, format, args);
	va_end(args);
}

static void on_prompt(const char *url, const char *code, int64_t valid_s, void *arg)
{
	(void)arg;
	note("prompt %s %s %lld;", url, code, (long long)valid_s);
}

static void on_trouble(const struct error *err, void *arg)
{
	(void)arg;
	note("%s;", err ? "trouble" : "answers");
}

static void on_done(const char *source, const struct error *err, void *arg)
{
	(void)arg;
	assert_string_equal(source, "sso profile default");
	note("done %d;", err->errnum);
	world.end = *err;
}

static const struct sso_login_events events = {on_prompt, on_trouble, on_done};

/* -- the course -------------------------------------------------------------------------------------------------- */

static int make_home(void **state)
{
	char path[100];

	(void)state;
	clearenv();
	memset(&world, 0, sizeof(world));
	world.now_ms = 1000000;
	aws = (struct aws){0};
	ref_init(&aws.ref);
	strcpy(home + strlen(home) - 6, "XXXXXX");
	if (!mkdtemp(home) || setenv("HOME", home, 1) < 0 || setenv("AWS_EC2_METADATA_DISABLED", "true", 1) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/.aws", home);
	if (file_make_directories(path) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/.aws/config", home);
	return file_write_atomically(path, profile, strlen(profile));
}

static const struct credential_source sso = {.kind = CREDENTIAL_SSO, .sso_session = (char *)(uintptr_t) "corp"};

static int remove_home(void **state)
{
	static const char *const names[] = {"/.aws/sso/cache", "/.aws/sso", "/.aws/config", "/.aws", ""};
	_free_ char *cache = sso_cache_path(&sso);
	char path[100];

	(void)state;
	unlink(cache);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", home, names[i]);
		remove(path);
	}
	return 0;
}

static void fire_timer(void)
{
	void (*timer)(void *arg) = move_ptr(world.timer);

	assert_non_null(timer);
	world.now_ms += world.delay_ms;
	timer(world.timer_arg);
}

/* Answers the call: with a body, or with an error of this code and duration. Does nothing if there is no call. */
static void answer(const char *operation, const char *body, const char *code, enum error_duration duration)
{
	void (*done)(struct aws_reply * reply, void *arg) = move_ptr(world.done);
	struct aws_reply reply = {.error = {.duration = duration}};

	if (!done)
		return;
	assert_string_equal(world.operation, operation);
	failing_pause(true);
	if (body)
		reply.body = cJSON_Parse(body);
	else
		error_set(&reply.error, -EIO, "refused");
	failing_pause(preparing);
	if (code)
		snprintf(reply.error.code, sizeof(reply.error.code), "%s", code);
	reply.error.duration = duration;
	done(&reply, world.done_arg);
	aws_reply_free(&reply);
}

static struct sso_login *begin(void)
{
	struct error err = {0};
	struct sso_login *l = NULL;

	if (sso_login_start(&aws, &events, NULL, &l, &err) < 0)
		fail_msg("%s", err.message);
	fire_timer();
	return l;
}

static struct sso_login *begin_until_poll(void)
{
	struct sso_login *l = begin();

	answer("RegisterClient", client, NULL, 0);
	answer("StartDeviceAuthorization", device, NULL, 0);
	assert_string_equal(world.events, "prompt https://x/?ABCD ABCD 60;");
	*world.events = '\0';
	fire_timer();
	return l;
}

static void test_the_token_is_stored(void **state)
{
	struct sso_login *l = begin_until_poll();
	struct error err = {0};
	cJSON *stored;

	(void)state;
	answer("CreateToken", token, NULL, 0);
	assert_string_equal(world.events, "done 0;");
	assert_int_equal(world.renewed, 1);
	assert_int_equal(sso_cache_read(&sso, &stored, &err), 0);
	assert_string_equal(aws_text(stored, "accessToken"), "t");
	assert_string_equal(aws_text(stored, "refreshToken"), "f");
	assert_string_equal(aws_text(stored, "clientId"), "i");
	assert_string_equal(aws_text(stored, "region"), "eu-west-1");
	assert_string_equal(aws_text(stored, "startUrl"), "https://x/start");
	assert_string_equal(aws_text(stored, "registrationExpiresAt"), "2096-10-02T07:06:40Z");
	secret_free_json(stored);
	sso_login_free(l);
}

static void test_what_the_service_may_say_to_a_poll(void **state)
{
	static const struct {
		const char *code;
		enum error_duration duration;
		const char *events; /* "": it goes on */
		int64_t delay_ms;
		const char *message;
	} cases[] = {
		{"AuthorizationPendingException", ERROR_PERMANENT, "", 2000, ""},
		{"SlowDownException", ERROR_PERMANENT, "", 7000, ""},
		{"ExpiredTokenException", ERROR_PERMANENT, "done -110;", 0, "the code was not confirmed in time"},
		{"AccessDeniedException", ERROR_PERMANENT, "done -126;", 0, "the sign-in was denied in the browser"},
		{"InvalidGrantException", ERROR_PERMANENT, "done -5;", 0, "cannot sign in at https://x/start: refused"},
		{"", ERROR_TRANSIENT, "trouble;", 2000, ""},
		{"", ERROR_FIXABLE, "trouble;", 2000, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sso_login *l;

		memset(&world, 0, sizeof(world));
		l = begin_until_poll();
		world.delay_ms = 0;
		answer("CreateToken", NULL, cases[i].code, cases[i].duration);
		assert_string_equal(world.events, cases[i].events);
		assert_int_equal(world.delay_ms, cases[i].delay_ms);
		assert_string_equal(world.end.message, cases[i].message);
		assert_int_equal(*world.end.remedy != '\0', *cases[i].message != '\0');
		sso_login_free(l);
	}
}

static void test_an_outage_is_reported_once(void **state)
{
	struct sso_login *l = begin_until_poll();

	(void)state;
	answer("CreateToken", NULL, "", ERROR_TRANSIENT);
	fire_timer();
	answer("CreateToken", NULL, "", ERROR_TRANSIENT);
	fire_timer();
	answer("CreateToken", NULL, "AuthorizationPendingException", ERROR_PERMANENT);
	assert_string_equal(world.events, "trouble;answers;");
	world.now_ms += 60000;
	fire_timer();
	assert_string_equal(world.events, "trouble;answers;done -110;");
	sso_login_free(l);
}

static void test_the_url_and_the_code_are_printable(void **state)
{
	static const struct {
		const char *device, *events;
	} cases[] = {
		{"{\"userCode\":\"A B\",\"verificationUri\":\"https://x/\"}", "done -74;"},
		{"{\"userCode\":\"\",\"verificationUri\":\"https://x/\"}", "done -74;"},
		{"{\"userCode\":\"AB\",\"verificationUri\":\"javascript:x\"}", "done -74;"},
		{"{\"userCode\":\"AB\",\"verificationUri\":\"\"}", "done -74;"},
		{"{\"userCode\":\"AB\",\"verificationUri\":\"http://x/\\u001b\"}", "done -74;"},
		{"{\"userCode\":\"AB\",\"verificationUri\":\"http://x/\",\"expiresIn\":-1,\"interval\":0}",
		 "prompt http://x/ AB 1;"},
		{"{\"userCode\":\"AB\",\"verificationUri\":\"http://x/\",\"verificationUriComplete\":\"ftp://x\","
		 "\"expiresIn\":1e9,\"interval\":1e9}",
		 "prompt http://x/ AB 3600;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sso_login *l;

		memset(&world, 0, sizeof(world));
		l = begin();
		answer("RegisterClient", client, NULL, 0);
		answer("StartDeviceAuthorization", cases[i].device, NULL, 0);
		assert_string_equal(world.events, cases[i].events);
		assert_true(world.delay_ms <= 60000);
		sso_login_free(l);
	}
}

static void test_calls_that_are_refused(void **state)
{
	struct sso_login *l = begin();

	(void)state;
	answer("RegisterClient", NULL, "InvalidClientMetadataException", ERROR_PERMANENT);
	assert_string_equal(world.events, "done -5;");
	assert_string_equal(world.end.message, "cannot register a client at https://x/start in eu-west-1: refused");
	assert_string_equal(world.end.remedy, "check sso_start_url and sso_region in ~/.aws/config");
	sso_login_free(l);
	*world.events = '\0';
	l = begin();
	answer("RegisterClient", client, NULL, 0);
	answer("StartDeviceAuthorization", NULL, "", ERROR_TRANSIENT);
	assert_string_equal(world.events, "done -5;");
	assert_string_equal(world.end.message, "cannot start the sign-in at https://x/start in eu-west-1: refused");
	assert_string_equal(world.end.remedy, "");
	sso_login_free(l);
}

static void test_a_cancelled_sign_in_reports_nothing(void **state)
{
	struct sso_login *l = begin();

	(void)state;
	sso_login_free(l);
	assert_int_equal(world.cancelled, 1);
	assert_string_equal(world.events, "");
	sso_login_free(NULL);
}

static void test_other_credentials_cannot_sign_in(void **state)
{
	struct error err = {0};
	struct sso_login *l;
	char *source;

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	assert_int_equal(sso_login_start(&aws, &events, NULL, &l, &err), -EINVAL);
	assert_string_equal(err.message, "the credentials do not come from IAM Identity Center, but from: environment");
	assert_int_equal(sso_logout(&aws, &source, &err), -EINVAL);
	assert_null(source);
	setenv("AWS_PROFILE", "missing", 1);
	unsetenv("AWS_ACCESS_KEY_ID");
	assert_int_equal(sso_login_start(&aws, &events, NULL, &l, &err), -EINVAL);
	assert_memory_equal(err.message, "cannot sign in: ", 16);
}

static void test_signing_out(void **state)
{
	struct sso_login *l = begin_until_poll();
	struct error err = {0};
	char *source;

	(void)state;
	answer("CreateToken", token, NULL, 0);
	sso_login_free(l);
	assert_int_equal(sso_logout(&aws, &source, &err), 0);
	assert_string_equal(source, "sso profile default");
	free(source);
	answer("Logout", NULL, "", ERROR_TRANSIENT); /* nobody can use the session without the token */
	assert_int_equal(world.renewed, 2);
	assert_int_equal(sso_logout(&aws, &source, &err), -ENOENT);
	assert_string_equal(err.message, "sso profile default: nobody is signed in");
}

/* Without memory a sign-in ends, and says so. */
static void sign_in_without_memory(const void *arg)
{
	struct sso_login *l = NULL;
	struct error err = {0};
	int r;

	(void)arg;
	memset(&world, 0, sizeof(world));
	r = sso_login_start(&aws, &events, NULL, &l, &err);
	if (r == 0) {
		fire_timer();
		answer("RegisterClient", client, NULL, 0);
		answer("StartDeviceAuthorization", device, NULL, 0);
		if (world.timer)
			fire_timer();
		answer("CreateToken", token, NULL, 0);
		r = world.end.errnum;
		assert_non_null(strstr(world.events, r ? "done -12;" : "done 0;"));
		sso_login_free(l);
	} else {
		assert_int_equal(err.errnum, -ENOMEM);
	}
	assert_true(r == 0 || (r == -ENOMEM && failing_happened()));
}

static void sign_out_without_memory(const void *arg)
{
	struct error err = {0};
	struct sso_login *l;
	char *source = NULL;
	int r;

	(void)arg;
	preparing = true;
	failing_pause(true);
	memset(&world, 0, sizeof(world));
	l = begin_until_poll();
	answer("CreateToken", token, NULL, 0);
	sso_login_free(l);
	preparing = false;
	failing_pause(false);
	r = sso_logout(&aws, &source, &err);
	assert_true(r == 0 || (r == -ENOMEM && err.errnum == -ENOMEM && failing_happened()));
	answer("Logout", NULL, "", 0);
	free(source);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(sign_in_without_memory, NULL) > 20);
	assert_true(failing_each(sign_out_without_memory, NULL) > 5);
}

#define AT_HOME(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_HOME(test_the_token_is_stored),
		AT_HOME(test_what_the_service_may_say_to_a_poll),
		AT_HOME(test_an_outage_is_reported_once),
		AT_HOME(test_the_url_and_the_code_are_printable),
		AT_HOME(test_calls_that_are_refused),
		AT_HOME(test_a_cancelled_sign_in_reports_nothing),
		AT_HOME(test_other_credentials_cannot_sign_in),
		AT_HOME(test_signing_out),
		AT_HOME(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
