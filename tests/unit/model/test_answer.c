/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests what the bytes of a streamed reply of Lambda mean for the command: its output, or why there is none. */
#include "model/answer.h"

#include "base/crc32.h"
#include "runtime/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROOM  (8 << 20)
#define LIMIT (4 << 20)

static void put32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(n >> shift));
}

static void put_header(struct buf *b, const char *name, const char *value)
{
	buf_putc(b, (char)strlen(name));
	buf_puts(b, name);
	buf_append(b, "\7\0", 2);
	buf_putc(b, (char)strlen(value));
	buf_puts(b, value);
}

/* type: of an event, or of an exception if it ends with "Exception" */
static void put_message(struct buf *b, const char *type, const char *payload, size_t len)
{
	_buf_ struct buf m = BUF_INIT(ROOM), headers = BUF_INIT(1 << 16);
	bool is_exception = strstr(type, "Exception");

	put_header(&headers, ":message-type", is_exception ? "exception" : "event");
	put_header(&headers, is_exception ? ":exception-type" : ":event-type", type);
	put32(&m, (uint32_t)(16 + headers.len + len));
	put32(&m, (uint32_t)headers.len);
	put32(&m, crc32_add(0, m.data, 8));
	buf_append(&m, headers.data, headers.len);
	buf_append(&m, payload, len);
	put32(&m, crc32_add(0, m.data, m.len));
	buf_append(b, m.data, m.len);
}

static void put_frame(struct buf *b, char type, const char *payload, size_t len)
{
	buf_putc(b, type);
	put32(b, (uint32_t)len);
	buf_append(b, payload, len);
}

/* "o" and "e" with the text after it become frames; "x" becomes the end frame. */
static void put_frames(struct buf *out, const char *const *frames)
{
	_buf_ struct buf all = BUF_INIT(ROOM);

	buf_puts(&all, FRAMES_PREAMBLE);
	for (; *frames; frames++) {
		char end[128];
		int len = snprintf(end, sizeof(end), "{\"exit_code\":3,\"length\":%zu,\"crc32\":%u}", all.len,
				   crc32_add(0, all.data, all.len));

		if (**frames == FRAME_END)
			put_frame(&all, FRAME_END, end, (size_t)len);
		else
			put_frame(&all, **frames, *frames + 1, strlen(*frames + 1));
	}
	put_message(out, "PayloadChunk", all.data, all.len);
}

struct fixture {
	struct job *job;
	struct answer answer;
	struct query_reply got;
	struct error err;
};

static int finish_in(const char *directory, struct fixture *f, const struct buf *in, const char *call_error)
{
	struct aws_reply reply = {.status = 200};
	int r;

	if (call_error)
		error_set(&reply.error, -EIO, "%s", call_error);
	*f = (struct fixture){0};
	f->job = job_new(JOB_QUERY, 1, "query", NULL);
	answer_init(&f->answer, f->job, directory, LIMIT);
	answer_sink(in->data, in->len, &f->answer);
	r = answer_finish(&f->answer, &reply, &f->got, &f->err);
	aws_reply_free(&reply);
	return r;
}

static int finish(struct fixture *f, const struct buf *in, const char *call_error)
{
	return finish_in("/tmp", f, in, call_error);
}

static void release(struct fixture *f)
{
	query_reply_release(&f->got);
	answer_release(&f->answer);
	job_unref(f->job);
	*f = (struct fixture){0};
}

/* A message of a reply: an event's type and its payload. FRAMES: the payload is "out", "err" and perhaps an end frame.
 */
struct message {
	const char *type, *payload;
};

#define CHUNK	 "PayloadChunk"
#define COMPLETE "InvokeComplete"
#define FRAMES	 "frames"
#define WHOLE	 "frames with their end"

static void put_messages(struct buf *in, const struct message *messages)
{
	for (; messages->type; messages++) {
		if (strcmp(messages->type, FRAMES) == 0)
			put_frames(in, (const char *const[]){"oout", "eerr", NULL});
		else if (strcmp(messages->type, WHOLE) == 0)
			put_frames(in, (const char *const[]){"oout", "eerr", "x", NULL});
		else
			put_message(in, messages->type, messages->payload, strlen(messages->payload));
	}
}

static void test_a_reply_that_is_whole(void **state)
{
	static const struct {
		struct message messages[4];
		int exit_code;
		const char *out, *errors, *remark;
	} rows[] = {
		{{{WHOLE, ""}, {COMPLETE, "{}"}}, 3, NULL, NULL, "the command ended with exit status 3"},
		/* AWS may not say that the invocation is complete; the end frame does. */
		{{{WHOLE, ""}}, 3, NULL, NULL, "the command ended with exit status 3"},
		{{{"PriorityHint", "?"}, {WHOLE, ""}}, 3, NULL, NULL, "the command ended with exit status 3"},
		/* An older runtime replies as a whole. */
		{{{CHUNK, "{\"ex"}, {CHUNK, "it_code\":0,\"stdout\":\"aGk=\",\"stderr\":\"aG8=\"}"}, {COMPLETE, "{}"}},
		 0,
		 "hi",
		 "ho",
		 ""},
		{{{CHUNK, "{\"exit_code\":1,\"stdout\""}, {CHUNK, ":\"\"}"}, {COMPLETE, "{}"}},
		 1,
		 "",
		 "",
		 "the command ended with exit status 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_buf_ struct buf in = BUF_INIT(ROOM);
		struct fixture f;

		put_messages(&in, rows[i].messages);
		assert_int_equal(finish(&f, &in, NULL), 0);
		assert_int_equal(f.got.exit_code, rows[i].exit_code);
		assert_string_equal(f.got.remark, rows[i].remark);
		if (rows[i].out) {
			assert_string_equal(f.got.result->data, rows[i].out);
			assert_string_equal(f.got.errors->data, rows[i].errors);
		} else {
			assert_int_equal(output_size(f.answer.printed.output), 3);
			assert_int_equal(output_size(f.answer.printed.stderr_output), 3);
		}
		release(&f);
	}
}

static void test_a_reply_that_is_no_result(void **state)
{
	static const struct {
		struct message messages[4];
		const char *call_error, *message, *code;
		int r;
	} rows[] = {
		{{{NULL, NULL}},
		 "the connection was lost",
		 "the reply was cut short after 0 bytes: the connection was lost",
		 "",
		 -EIO},
		{{{NULL, NULL}}, NULL, "the reply was cut short after 0 bytes", "", -EIO},
		{{{FRAMES, ""}},
		 "the connection was lost",
		 "the reply was cut short after 3 bytes: the connection was lost",
		 "",
		 -EIO},
		{{{FRAMES, ""}, {COMPLETE, "{\"ErrorCode\":\"Runtime.ExitError\",\"ErrorDetails\":\"killed\"}"}},
		 NULL,
		 "the reply was cut short after 3 bytes: killed",
		 "Runtime.ExitError",
		 -EIO},
		{{{COMPLETE, "{\"ErrorCode\":\"Runtime.ExitError\",\"ErrorDetails\":\"killed\"}"}},
		 NULL,
		 "killed",
		 "Runtime.ExitError",
		 -EIO},
		{{{COMPLETE, "no JSON"}}, NULL, "Lambda's InvokeComplete event is invalid", "", -EBADMSG},
		{{{"TooManyRequestsException", "{\"message\":\"slow down\"}"}},
		 NULL,
		 "the reply was cut short after 0 bytes: slow down",
		 "TooManyRequestsException",
		 -EIO},
		{{{"TooManyRequestsException", "{\"Message\":\"slow down\"}"}},
		 NULL,
		 "the reply was cut short after 0 bytes: slow down",
		 "TooManyRequestsException",
		 -EIO},
		{{{"OtherException", "?"}},
		 NULL,
		 "the reply was cut short after 0 bytes: Lambda ended the reply with an error",
		 "OtherException",
		 -EIO},
		{{{CHUNK, "{\"errorMessage\":\"boom\",\"errorType\":\"Kind\"}"}, {COMPLETE, "{}"}},
		 NULL,
		 "boom",
		 "Kind",
		 -EIO},
		{{{CHUNK, "{\"errorMessage\":\"boom\"}"}, {COMPLETE, "{}"}}, NULL, "boom", "Unhandled", -EIO},
		{{{CHUNK, "{\"errorMessage\":\"boom\"}"}, {COMPLETE, "{\"ErrorCode\":\"Why\",\"ErrorDetails\":\"x\"}"}},
		 NULL,
		 "boom",
		 "Why",
		 -EIO},
		{{{CHUNK, "not JSON"}, {COMPLETE, "{\"ErrorCode\":\"Why\",\"ErrorDetails\":\"because\"}"}},
		 NULL,
		 "because",
		 "Why",
		 -EIO},
		{{{CHUNK, "not JSON"}, {COMPLETE, "{}"}},
		 NULL,
		 "the Lambda function returned an invalid reply: not JSON",
		 "",
		 -EBADMSG},
		{{{CHUNK, FRAMES_PREAMBLE "o\xff\xff\xff\xff"}},
		 NULL,
		 "the reply was cut short after 0 bytes: the reply was damaged in transit",
		 "",
		 -EIO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_buf_ struct buf in = BUF_INIT(ROOM);
		struct fixture f;

		put_messages(&in, rows[i].messages);
		assert_int_equal(finish(&f, &in, rows[i].call_error), rows[i].r);
		assert_string_equal(f.err.message, rows[i].message);
		assert_string_equal(f.err.code, rows[i].code);
		release(&f);
	}
}

static void test_bytes_that_are_no_event_stream(void **state)
{
	_buf_ struct buf in = BUF_INIT(ROOM);
	struct fixture f;

	(void)state;
	buf_puts(&in, "HTTP/1.1 200 OK: a proxy has answered");
	assert_int_equal(finish(&f, &in, "the reply ended early"), -EIO);
	assert_string_equal(f.err.message,
			    "the reply was cut short after 0 bytes: the received bytes are not an event stream");
	release(&f);
}

/* Output above the limit, or on a disk that cannot store it, ends the command with a message that says what to do. */
static void test_output_that_cannot_be_kept(void **state)
{
	static const struct {
		char type;
		size_t kilobytes;
		const char *directory, *message, *remedy;
	} rows[] = {
		{FRAME_STDOUT, 4100, "/tmp", "the command printed more than 4 MB", "raise lambda_result_limit"},
		{FRAME_STDERR, 21000, "/tmp", "the command printed more than 20 MB to standard error", "redirect it"},
		{FRAME_STDOUT, 3000, "/dev/null", "cannot store the result below /dev/null: Not a directory",
		 "make room there"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_buf_ struct buf in = BUF_INIT(64 << 20);
		char kilobyte[1025];
		struct fixture f;

		memset(kilobyte, 'x', 1024);
		kilobyte[1024] = '\0';
		put_message(&in, CHUNK, FRAMES_PREAMBLE, FRAMES_PREAMBLE_LEN);
		for (size_t k = 0; k < rows[i].kilobytes; k++) {
			_buf_ struct buf frame = BUF_INIT(ROOM);

			put_frame(&frame, rows[i].type, kilobyte, 1024);
			put_message(&in, CHUNK, frame.data, frame.len);
		}
		assert_true(finish_in(rows[i].directory, &f, &in, NULL) < 0);
		assert_string_equal(f.err.message, rows[i].message);
		assert_non_null(strstr(f.err.remedy, rows[i].remedy));
		release(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reply_that_is_whole),
		cmocka_unit_test(test_a_reply_that_is_no_result),
		cmocka_unit_test(test_bytes_that_are_no_event_stream),
		cmocka_unit_test(test_output_that_cannot_be_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
