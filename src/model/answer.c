/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/answer.h"

#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#define STDERR_MAX (20 << 20) /* the runtime sends at most 16 MiB of stderr */
#define PLAIN_MAX  (16 << 20)

static int answer_take_event(const struct eventstream_message *m, void *arg);
static int answer_printed(bool is_stderr, const void *data, size_t len, void *arg);

void answer_init(struct answer *a, struct job *j, const char *directory, uint64_t limit)
{
	*a = (struct answer){.job = j};
	printed_init(&a->printed, j, directory, limit, STDERR_MAX);
	buf_init(&a->plain, PLAIN_MAX);
	eventstream_init(&a->events, answer_take_event, a);
	frames_init(&a->frames, answer_printed, a);
}

void answer_release(struct answer *a)
{
	eventstream_free(&a->events);
	frames_free(&a->frames);
	buf_free(&a->plain);
	printed_release(&a->printed);
	free(move_ptr(a->log_tail));
}

/* -- receiving ------------------------------------------------------------------------------------------------- */

static int answer_printed(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct answer *a = arg;
	int r = printed_add(&a->printed, is_stderr, data, len, &a->error);

	if (is_stderr)
		stream_append(a->job->log, data, len);
	a->not_kept = a->not_kept || r < 0;
	return r;
}

/*
 * A reply that does not begin with the preamble of frames is kept whole; the parser has stored its first bytes in
 * frames.head.
 */
static int answer_take_payload(struct answer *a, const void *data, size_t len)
{
	size_t before = a->frames.state == FRAMES_PREAMBLE_STATE ? a->frames.have : 0;
	int r;

	if (a->frames.plain)
		return buf_append(&a->plain, data, len);
	r = frames_feed(&a->frames, data, len);
	if (a->frames.plain) {
		buf_append(&a->plain, a->frames.head, before);
		buf_append(&a->plain, data, len);
		return a->plain.error;
	}
	if (r == -EBADMSG)
		error_set(&a->error, -EIO, "the reply was damaged in transit");
	return r == -EBADMSG ? -EIO : r;
}

static void answer_take_exception(struct answer *a, const struct eventstream_message *m)
{
	cJSON *tree = cJSON_ParseWithLength(m->payload, m->len);
	const char *words = *m->error_message ? m->error_message : aws_text(tree, "message");

	if (!*words)
		words = aws_text(tree, "Message");
	error_set(&a->error, -EIO, "%s", *words ? words : "Lambda ended the reply with an error");
	snprintf(a->error.code, sizeof(a->error.code), "%s", *m->exception_type ? m->exception_type : m->error_code);
	cJSON_Delete(tree);
}

static int answer_take_event(const struct eventstream_message *m, void *arg)
{
	struct answer *a = arg;

	if (strcmp(m->message_type, "event") != 0) {
		answer_take_exception(a, m);
	} else if (strcmp(m->event_type, "PayloadChunk") == 0) {
		return answer_take_payload(a, m->payload, m->len);
	} else if (strcmp(m->event_type, "InvokeComplete") == 0) {
		free(move_ptr(a->log_tail));
		query_parse_complete(m->payload, m->len, &a->log_tail, &a->error);
		a->complete = true;
	}
	return 0; /* events of other types are ignored */
}

int answer_sink(const void *data, size_t len, void *arg)
{
	struct answer *a = arg;
	uint64_t before = printed_size(&a->printed);
	int r = eventstream_feed(&a->events, data, len);

	if (printed_size(&a->printed) != before)
		printed_tell(&a->printed);
	return r;
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static int answer_fill_reply(const struct answer *a, struct query_reply *ret)
{
	const struct frames_end *end = &a->frames.end;

	*ret = (struct query_reply){.exit_code = end->exit_code, .stdin_bytes = end->stdin_bytes};
	query_remark(end->exit_code, end->signal, end->timed_out, ret->remark, sizeof(ret->remark));
	return 0;
}

/*
 * Parses a reply in the form of a plain Invoke. An error object counts as an error even if Lambda does not report an
 * error.
 */
static int answer_read_plain(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err)
{
	int r;

	cJSON_Delete(reply->body);
	r = json_parse(buf_str(&a->plain), a->plain.len, &reply->body, NULL);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	buf_free(&reply->payload);
	reply->payload = a->plain;
	buf_init(&a->plain, 0);
	if (error_is(&a->error) || *aws_text(reply->body, "errorMessage"))
		snprintf(reply->function_error, sizeof(reply->function_error), "%s",
			 *a->error.code ? a->error.code : "Unhandled");
	r = query_parse_reply(reply, ret, err);
	if (r < 0 && error_is(&a->error) && !*aws_text(reply->body, "errorMessage"))
		*err = a->error;
	return r < 0 ? err->errnum : 0;
}

static int answer_explain_cut(const struct answer *a, const struct aws_reply *reply, struct error *err)
{
	const struct error *why = error_is(&a->error)	    ? &a->error
				  : a->events.failed	    ? NULL
				  : error_is(&reply->error) ? &reply->error
							    : NULL;
	const char *words = why ? why->message : a->events.failed ? "the received bytes are not an event stream" : NULL;

	error_set(err, -EIO, "the reply was cut short after %" PRIu64 " bytes%s%s", output_size(a->printed.output),
		  words ? ": " : "", words ? words : "");
	if (why) {
		memcpy(err->code, why->code, sizeof(err->code));
		error_remedy(err, "%s", why->remedy);
	}
	return err->errnum;
}

struct blob *answer_log(const struct answer *a)
{
	_cleanup_(blob_unref_cleanup) struct blob *tail = a->log_tail ? query_log_tail(a->log_tail) : NULL;

	return tail && output_size(a->printed.stderr_output) ? query_log_of_lambda(tail) : move_ptr(tail);
}

int answer_finish(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err)
{
	if (a->not_kept) {
		*err = a->error;
		return err->errnum;
	}
	if (frames_ended(&a->frames) && !error_is(&a->error) && printed_begin(&a->printed, &a->error) == 0)
		return answer_fill_reply(a, ret);
	if (a->complete && a->plain.len && !a->events.failed)
		return answer_read_plain(a, reply, ret, err);
	if (a->complete && error_is(&a->error) && !output_size(a->printed.output)) {
		*err = a->error; /* no output has arrived: Lambda's error is the whole message */
		return err->errnum;
	}
	return answer_explain_cut(a, reply, err);
}
