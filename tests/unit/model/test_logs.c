/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests how logs are followed and fetched again, with replies of CloudWatch that the tests write. */
#include "scripted.h"

static unsigned fetched;

static void on_fetched(void *arg)
{
	(void)arg;
	fetched++;
}

static struct stream *open_log(struct script *s, enum model_log kind, const char *key)
{
	struct stream *stream = NULL;
	struct error err = {0};

	assert_int_equal(model_log_open(s->m, kind, key, on_fetched, NULL, &stream, &err), 0);
	script_settle();
	return stream;
}

static void assert_text(struct stream *stream, const char *want)
{
	static char text[4096];
	size_t n = stream_read(stream, 0, text, sizeof(text) - 1);

	text[n] = '\0';
	assert_string_equal(text, want);
}

#define EVENT(time, text)   "{\"timestamp\":" #time ",\"message\":\"" text "\"}"
#define PAGE(events, token) "{\"events\":[" events "],\"nextForwardToken\":\"" token "\"}"

static void test_a_log_is_read_to_its_end_and_then_polled(void **state)
{
	struct script *s = *state;
	struct stream *log;

	script_task(s, "a1", "RUNNING", "");
	fetched = 0;
	script_once("GetLogEvents", PAGE(EVENT(1, "one") "," EVENT(2, "two\\n"), "t1"));
	script_once("GetLogEvents", PAGE("", "t2"));
	script_reply("GetLogEvents", NULL, PAGE("", "t2"));
	log = open_log(s, MODEL_LOG_SERVER, "");
	assert_int_equal(fetched, 1);
	assert_text(log, "one\ntwo\n");
	assert_non_null(strstr(script_last("GetLogEvents"), "\"nextToken\":\"t2\""));
	/* A second reader of a fresh log needs no call. */
	stream_unref(open_log(s, MODEL_LOG_SERVER, ""));
	assert_int_equal(fetched, 2);
	assert_int_equal(script_calls("GetLogEvents"), 3);
	script_once("GetLogEvents", PAGE(EVENT(3, "three"), "t2"));
	script_fire(60000);
	assert_text(log, "one\ntwo\nthree\n");
	stream_unref(log);
	model_log_close(s->m, MODEL_LOG_SERVER, "");
	model_log_close(s->m, MODEL_LOG_SERVER, "");
	log = model_log_stream(s->m, MODEL_LOG_SERVER, "");
	assert_non_null(log);
	stream_unref(log);
	assert_null(model_log_stream(s->m, MODEL_LOG_TASK, "a1"));
}

/* The token of an old position expires; reading continues by time, and no event is read twice. */
static void test_an_expired_token_loses_and_repeats_nothing(void **state)
{
	struct script *s = *state;
	struct stream *log;

	script_task(s, "a1", "RUNNING", "");
	script_once("GetLogEvents", PAGE(EVENT(7, "one") "," EVENT(8, "two"), "old"));
	script_fail_once("GetLogEvents", "InvalidParameterException", "The specified nextToken is invalid.");
	script_once("GetLogEvents", PAGE(EVENT(8, "two") "," EVENT(8, "three"), "new"));
	script_reply("GetLogEvents", NULL, PAGE("", "new"));
	log = open_log(s, MODEL_LOG_TASK, "a1");
	assert_text(log, "one\ntwo\nthree\n");
	assert_string_equal(script_error(s), "");
	/* A token that expires again within one poll is an error. */
	script_fail_once("GetLogEvents", "InvalidParameterException", "The specified nextToken is invalid.");
	script_fail_once("GetLogEvents", "InvalidParameterException", "Another reason.");
	script_fire(60000);
	assert_non_null(strstr(script_error(s), "the log cannot be read: Another reason\""));
	stream_unref(log);
}

static void test_a_log_that_cannot_be_read_is_told_once(void **state)
{
	static const struct {
		enum model_log kind;
		const char *key, *path;
	} rows[] = {{MODEL_LOG_SERVER, "", "path=stack/server.log"}, {MODEL_LOG_TASK, "a1", "path=tasks/a1/task.log"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script *s = *state;
		const char *text;

		fetched = 0;
		script_task(s, "a1", "RUNNING", "");
		failures_clear(model_failures(s->m));
		script_fail("GetLogEvents", NULL, "AccessDeniedException", "not allowed");
		stream_unref(open_log(s, rows[i].kind, rows[i].key));
		assert_int_equal(fetched, 1);
		script_fire(60000);
		text = script_error(s);
		assert_non_null(strstr(text, rows[i].path));
		assert_non_null(strstr(text, "the log cannot be read: not allowed"));
		assert_null(strstr(text, "count=2"));
		/* A log stream that does not exist yet is no failure. */
		failures_clear(model_failures(s->m));
		script_fail("GetLogEvents", NULL, "ResourceNotFoundException", "no such stream");
		script_fire(60000);
		assert_string_equal(script_error(s), "");
	}
}

/* The log of the server continues with the next task, after the last lines of the one before it. */
static void test_the_log_of_the_server_turns_to_the_next_task(void **state)
{
	struct script *s = *state;
	struct stream *log;

	script_task(s, "a1", "RUNNING", "");
	script_once("GetLogEvents", PAGE(EVENT(1, "first"), "t"));
	script_reply("GetLogEvents", NULL, PAGE("", "t"));
	log = open_log(s, MODEL_LOG_SERVER, "");
	script_task(s, "b2", "RUNNING", "");
	script_once("GetLogEvents", PAGE(EVENT(2, "last words"), "t"));
	script_once("GetLogEvents", PAGE(EVENT(1, "second"), "u"));
	script_reply("GetLogEvents", NULL, PAGE("", "u"));
	script_fire(60000);
	assert_text(log, "first\nlast words\nsecond\n");
	assert_non_null(strstr(script_last("GetLogEvents"), "b2"));
	stream_unref(log);
}

/* Before the first server runs, and after the last has ended, the log shows the newest server that there was. */
static void test_the_log_of_a_server_that_has_stopped(void **state)
{
	struct script *s = *state;
	struct stream *log;

	script_task(s, "a1", "STOPPED", "");
	script_once("GetLogEvents", PAGE(EVENT(1, "why it ended"), "t"));
	script_reply("GetLogEvents", NULL, PAGE("", "t"));
	log = open_log(s, MODEL_LOG_SERVER, "");
	assert_text(log, "why it ended\n");
	stream_unref(log);
}

/* Somebody who opens many logs one after the other, as grep -r does, is not kept in memory for ever. */
static void test_idle_logs_are_forgotten(void **state)
{
	struct script *s = *state;
	struct stream *kept;
	char key[16];

	script_start(s);
	for (int i = 0; i < 70; i++) {
		snprintf(key, sizeof(key), "t%d", i);
		stream_unref(open_log(s, MODEL_LOG_TASK, key));
		model_log_close(s->m, MODEL_LOG_TASK, key);
	}
	/* They are followed for half a minute, and only then forgotten. */
	kept = model_log_stream(s->m, MODEL_LOG_TASK, "t0");
	assert_non_null(kept);
	stream_unref(kept);
	script_fire(60000);
	stream_unref(open_log(s, MODEL_LOG_TASK, "t70"));
	assert_null(model_log_stream(s->m, MODEL_LOG_TASK, "t0"));
}

static void test_the_log_of_a_query_is_that_of_its_job(void **state)
{
	struct script *s = *state;
	struct stream *log = NULL;
	struct error err = {0};

	script_start(s);
	assert_int_equal(model_log_open(s->m, MODEL_LOG_QUERY, "7", on_fetched, NULL, &log, &err), -ENOENT);
	assert_string_equal(err.message, "there is no query 7");
	assert_null(model_log_stream(s->m, MODEL_LOG_QUERY, "7"));
	model_log_close(s->m, MODEL_LOG_QUERY, "7");
}

/* Between two polls of a log that is rarely polled, a new reader gets the newest lines and not those of the last poll.
 */
static void test_a_new_reader_does_not_wait_for_the_next_poll(void **state)
{
	struct script *s = *state;
	struct stream *log;

	script_task(s, "a1", "RUNNING", "");
	script_reply("GetLogEvents", NULL, PAGE("", "t"));
	log = open_log(s, MODEL_LOG_TASK, "a1");
	script_fire(60000);
	script_pass(5000);
	fetched = 0;
	script_once("GetLogEvents", PAGE(EVENT(1, "news"), "t"));
	stream_unref(open_log(s, MODEL_LOG_TASK, "a1"));
	assert_int_equal(fetched, 1);
	assert_text(log, "news\n");
	stream_unref(log);
}

/* -- older parts ----------------------------------------------------------------------------------------------- */

struct refetched {
	struct blob *text;
	uint64_t at;
	struct error err;
	unsigned n;
};

static void on_refetched(struct blob *text, uint64_t at, const struct error *err, void *arg)
{
	struct refetched *r = arg;

	blob_unref(r->text);
	*r = (struct refetched){text, at, *err, r->n + 1};
}

static void refetch(struct script *s, const char *key, uint64_t offset, struct refetched *r)
{
	unsigned before = r->n;

	assert_int_equal(model_log_fetch(s->m, MODEL_LOG_TASK, key, offset, on_refetched, r), 0);
	script_settle();
	assert_int_equal(r->n, before + 1);
}

static void test_an_older_part_is_read_again(void **state)
{
	struct script *s = *state;
	struct refetched r = {0};

	script_task(s, "a1", "RUNNING", "");
	script_once("GetLogEvents", PAGE(EVENT(1, "one"), "t1"));
	script_once("GetLogEvents", PAGE(EVENT(2, "two"), "t2"));
	script_reply("GetLogEvents", NULL, PAGE("", "t2"));
	stream_unref(open_log(s, MODEL_LOG_TASK, "a1"));

	script_once("GetLogEvents", PAGE(EVENT(1, "one"), "t1"));
	script_once("GetLogEvents", PAGE(EVENT(2, "two"), "t2"));
	refetch(s, "a1", 5, &r);
	assert_string_equal(r.text->data, "two\n");
	assert_int_equal(r.at, 4);
	/* The token has expired in the meantime. */
	script_once("GetLogEvents", PAGE(EVENT(1, "one"), "t1"));
	script_fail_once("GetLogEvents", "InvalidParameterException", "The specified nextToken is invalid.");
	script_once("GetLogEvents", PAGE(EVENT(1, "one") "," EVENT(2, "two"), "t2"));
	refetch(s, "a1", 5, &r);
	assert_string_equal(r.text->data, "two\n");
	/* CloudWatch has deleted it. */
	refetch(s, "a1", 5, &r);
	assert_null(r.text);
	assert_string_equal(r.err.message, "an older part of the log cannot be read again: CloudWatch no longer has "
					   "this part of the log");
	script_fail_once("GetLogEvents", "AccessDeniedException", "not allowed");
	refetch(s, "a1", 0, &r);
	assert_string_equal(r.err.message, "an older part of the log cannot be read again: not allowed");
	refetch(s, "zz", 0, &r);
	assert_non_null(strstr(r.err.message, "the log is no longer followed"));
	script_once("GetLogEvents", PAGE("", ""));
	refetch(s, "a1", 5, &r);
	assert_non_null(strstr(r.err.message, "CloudWatch no longer has this part of the log"));
	/* A log that seems endless. */
	for (int i = 0; i < 101; i++)
		script_once("GetLogEvents", i % 2 ? PAGE("", "odd") : PAGE("", "even"));
	refetch(s, "a1", 5, &r);
	assert_non_null(strstr(r.err.message, "CloudWatch no longer has this part of the log"));
	script_refuse_starts(1);
	refetch(s, "a1", 0, &r);
	assert_non_null(strstr(r.err.message, "the stack no longer exists"));
	script_fail("DescribeStacks", NULL, "ValidationError", "Stack with id vast-prod does not exist");
	script_poll(s);
	refetch(s, "a1", 0, &r);
	assert_non_null(strstr(r.err.message, "the stack no longer exists"));
}

int main(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_a_log_is_read_to_its_end_and_then_polled),
		LOG_TEST(test_an_expired_token_loses_and_repeats_nothing),
		LOG_TEST(test_a_log_that_cannot_be_read_is_told_once),
		LOG_TEST(test_the_log_of_the_server_turns_to_the_next_task),
		LOG_TEST(test_the_log_of_a_server_that_has_stopped),
		LOG_TEST(test_idle_logs_are_forgotten),
		LOG_TEST(test_a_new_reader_does_not_wait_for_the_next_poll),
		LOG_TEST(test_the_log_of_a_query_is_that_of_its_job),
		LOG_TEST(test_an_older_part_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
