#include "world/answer.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define COMPLAINTS_MAX (20 << 20) /* the runtime sends 16 MiB at most */
#define PLAIN_MAX      (16 << 20)
#define TELL_MS	       250

static int take_event(const struct eventstream_message *m, void *arg);
static int printed(bool is_stderr, const void *data, size_t len, void *arg);

void answer_init(struct answer *a, struct job *j, const char *directory, uint64_t limit)
{
	*a = (struct answer){.job = j, .directory = directory, .limit = limit};
	buf_init(&a->plain, PLAIN_MAX);
	eventstream_init(&a->events, take_event, a);
	frames_init(&a->frames, printed, a);
}

void answer_release(struct answer *a)
{
	eventstream_free(&a->events);
	frames_free(&a->frames);
	buf_free(&a->plain);
	output_unref(move_ptr(a->output));
	output_unref(move_ptr(a->complaints));
	free(move_ptr(a->log_tail));
}

/* -- on the way in --------------------------------------------------------------------------------------------- */

static void edit_outputs(struct job_view *v, void *arg)
{
	struct answer *a = arg;

	v->output = output_ref(a->output);
	v->complaints = output_ref(a->complaints);
}

static int make_outputs(struct answer *a)
{
	if (a->output)
		return 0;
	a->output = output_new(a->directory, a->limit);
	a->complaints = output_new(a->directory, COMPLAINTS_MAX);
	if (!a->output || !a->complaints)
		return error_set(&a->error, -ENOMEM, "out of memory");
	return job_edit(a->job, edit_outputs, a);
}

static int not_kept(struct answer *a, bool is_stderr, int r)
{
	a->not_kept = true;
	if (r == -EFBIG && is_stderr) {
		error_set(&a->error, r, "more came of stderr than the runtime ever sends (%d MB)",
			  COMPLAINTS_MAX >> 20);
	} else if (r == -EFBIG) {
		error_set(&a->error, r, "the command printed more than %" PRIu64 " MB", a->limit >> 20);
		error_remedy(&a->error, "raise lambda_result_limit, or ask for less");
	} else {
		error_set(&a->error, r, "the result could not be kept below %s: %s", a->directory, strerror(-r));
		error_remedy(&a->error, "make room there, or set XDG_CACHE_HOME to a larger disk and mount again");
	}
	return r;
}

static int printed(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct answer *a = arg;
	int r = make_outputs(a);

	if (r < 0)
		return r;
	if (is_stderr)
		stream_append(a->job->log, data, len);
	r = output_append(is_stderr ? a->complaints : a->output, data, len);
	return r < 0 ? not_kept(a, is_stderr, r) : 0;
}

/* What does not begin as frames do is kept whole; frames still has what came before. */
static int take_payload(struct answer *a, const void *data, size_t len)
{
	size_t before = a->frames.state == FRAMES_PREAMBLE_STATE ? a->frames.have : 0;
	int r;

	if (a->frames.plain)
		return buf_append(&a->plain, data, len);
	r = frames_feed(&a->frames, data, len);
	if (a->frames.plain) {
		buf_append(&a->plain, a->frames.head, before);
		return buf_append(&a->plain, data, len);
	}
	if (r == -EBADMSG)
		error_set(&a->error, -EIO, "the answer was damaged on its way");
	return r == -EBADMSG ? -EIO : r;
}

static void take_exception(struct answer *a, const struct eventstream_message *m)
{
	cJSON *tree = cJSON_ParseWithLength(m->payload, m->len);
	const char *words = *m->error_message ? m->error_message : aws_text(tree, "message");

	if (!*words)
		words = aws_text(tree, "Message");
	error_set(&a->error, -EIO, "%s", *words ? words : "Lambda broke the answer off");
	snprintf(a->error.code, sizeof(a->error.code), "%s", *m->exception_type ? m->exception_type : m->error_code);
	cJSON_Delete(tree);
}

static int take_event(const struct eventstream_message *m, void *arg)
{
	struct answer *a = arg;

	if (strcmp(m->message_type, "event") != 0) {
		take_exception(a, m);
	} else if (strcmp(m->event_type, "PayloadChunk") == 0) {
		return take_payload(a, m->payload, m->len);
	} else if (strcmp(m->event_type, "InvokeComplete") == 0) {
		free(move_ptr(a->log_tail));
		query_parse_complete(m->payload, m->len, &a->log_tail, &a->error);
		a->complete = true;
	}
	return 0; /* events of other names are for later */
}

/* Readers hear of every piece, who looks at progress now and then. */
static void tell(struct answer *a)
{
	int64_t now = clock_monotonic_ms();

	if (now - a->told_ms < TELL_MS) {
		job_grown(a->job);
		return;
	}
	a->told_ms = now;
	job_progress(a->job, 0, 0, "%" PRIu64 " bytes received,", output_size(a->output));
}

int answer_sink(const void *data, size_t len, void *arg)
{
	struct answer *a = arg;
	uint64_t before = output_size(a->output) + output_size(a->complaints);
	int r = eventstream_feed(&a->events, data, len);

	if (output_size(a->output) + output_size(a->complaints) != before)
		tell(a);
	return r;
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static int all_printed(const struct answer *a, struct query_reply *ret)
{
	const struct frames_end *end = &a->frames.end;

	*ret = (struct query_reply){.exit_code = end->exit_code};
	query_remark(end->exit_code, end->signal, end->timed_out, ret->remark, sizeof(ret->remark));
	return 0;
}

/* A reply as Invoke would have given it. An error object is one whether or not Lambda says so. */
static int read_plain(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err)
{
	int r;

	cJSON_Delete(reply->body);
	reply->body = cJSON_ParseWithLength(a->plain.data, a->plain.len);
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

static int cut_short(const struct answer *a, const struct aws_reply *reply, struct error *err)
{
	const struct error *why = error_is(&a->error)	    ? &a->error
				  : a->events.failed	    ? NULL
				  : error_is(&reply->error) ? &reply->error
							    : NULL;
	const char *words = why ? why->message : a->events.failed ? "what came is not an event stream" : NULL;

	error_set(err, -EIO, "the answer was cut short after %" PRIu64 " bytes%s%s", output_size(a->output),
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

	return tail && output_size(a->complaints) ? query_log_of_lambda(tail) : move_ptr(tail);
}

int answer_finish(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err)
{
	if (a->not_kept) {
		*err = a->error;
		return err->errnum;
	}
	if (frames_ended(&a->frames) && !error_is(&a->error) && make_outputs(a) == 0)
		return all_printed(a, ret);
	if (a->complete && a->plain.len && !a->events.failed)
		return read_plain(a, reply, ret, err);
	if (a->complete && error_is(&a->error) && !output_size(a->output)) {
		*err = a->error; /* nothing had come: these are all the words there are */
		return err->errnum;
	}
	return cut_short(a, reply, err);
}
