/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/query.h"

#include "base/json.h"

#include <openssl/evp.h>
#include <string.h>

/* -- base64 ---------------------------------------------------------------------------------------------------- */

static char *query_encode(const struct blob *b)
{
	char *text = malloc((b->len + 2) / 3 * 4 + 1);

	if (text)
		EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)b->data, (int)b->len);
	return text;
}

/* 0, -EBADMSG if text is not base64, or -ENOMEM. */
static int query_decode(const char *text, struct blob **ret)
{
	size_t len = strlen(text), padding = len >= 2 ? (text[len - 1] == '=') + (text[len - 2] == '=') : 0;
	_buf_ struct buf out = BUF_INIT(len + 1);
	_free_ unsigned char *bytes = malloc(len / 4 * 3 + 1);
	int n = bytes ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) : -1;

	*ret = NULL;
	if (!bytes)
		return -ENOMEM;
	if (n < 0 || (size_t)n < padding)
		return -EBADMSG;
	if (buf_append(&out, bytes, (size_t)n - padding) == 0)
		*ret = blob_from_buf(&out);
	return *ret ? 0 : -ENOMEM;
}

/* -- the event ------------------------------------------------------------------------------------------------- */

int query_event(const struct blob *command, const char *endpoint, int64_t deadline_ms, bool stream, struct buf *out)
{
	_free_ char *text = query_encode(command), *json = NULL;
	int r = text ? 0 : -ENOMEM;
	_json_ cJSON *event = json_object(&r);

	json_add_number(&r, event, "v", 1);
	json_add_text(&r, event, "cmd", text);
	if (endpoint)
		json_add_text(&r, event, "endpoint", endpoint);
	json_add_number(&r, event, "deadline_ms", (double)deadline_ms);
	if (stream) {
		json_add_true(&r, event, "stream");
		json_add_true(&r, event, "deflate");
	}
	json = json_print(&r, event);
	return json ? buf_puts(out, json) : r;
}

#define ENCODED_PIECE (48 << 10) /* a multiple of 3, so that the base64 of one piece ends without padding */

static int query_append_encoded(const struct buf *data, struct buf *out)
{
	char piece[ENCODED_PIECE / 3 * 4 + 1];
	int r = 0;

	for (size_t at = 0; at < data->len && r == 0; at += ENCODED_PIECE) {
		size_t n = data->len - at < ENCODED_PIECE ? data->len - at : ENCODED_PIECE;
		int len = EVP_EncodeBlock((unsigned char *)piece, (const unsigned char *)data->data + at, (int)n);

		r = buf_append(out, piece, (size_t)len);
	}
	return r;
}

int query_event_with_input(const struct blob *command, const char *endpoint, int64_t deadline_ms,
			   const struct buf *data, struct buf *out)
{
	_buf_ struct buf head = BUF_INIT(1 << 20);
	int r = query_event(command, endpoint, deadline_ms, false, &head);

	if (r == 0)
		r = buf_append(out, head.data, head.len - 1); /* the closing brace is left out */
	if (r == 0)
		r = buf_puts(out, ",\"stdin_encoding\":\"gzip\",\"stdin\":\"");
	if (r == 0)
		r = query_append_encoded(data, out);
	return r == 0 ? buf_puts(out, "\"}") : r;
}

/* -- the reply ------------------------------------------------------------------------------------------------- */

static void query_add_remedy(const char *message, struct error *err)
{
	if (strstr(message, "Task timed out") || strstr(message, "Timedout"))
		error_remedy(err, "raise lambda_timeout (at most 900) and deploy, or run a command that does less");
}

/* The function failed: the message comes from the runtime, or from Lambda ("Task timed out after 3.00 seconds"). */
static int query_function_failed(const struct aws_reply *reply, struct error *err)
{
	const char *type = aws_text(reply->body, "errorType"), *message = aws_text(reply->body, "errorMessage");

	error_set(err, -EIO, "%s", *message ? message : "the Lambda function failed without an error message");
	snprintf(err->code, sizeof(err->code), "%s", *type ? type : reply->function_error);
	query_add_remedy(message, err);
	return err->errnum;
}

static int query_refuse_reply(const struct aws_reply *reply, struct error *err)
{
	error_set(err, -EBADMSG, "the Lambda function returned an invalid reply: %.80s", buf_str(&reply->payload));
	error_remedy(err, "touch control/deploy: the image may lack vast-lambda-runtime as its entry point");
	return err->errnum;
}

void query_remark(int exit_code, int signal, bool timed_out, char *remark, size_t size)
{
	*remark = '\0';
	if (timed_out)
		snprintf(remark, size, "the command was ended at the function's time limit");
	else if (signal > 0)
		snprintf(remark, size, "the command was ended by signal %d", signal);
	else if (exit_code != 0)
		snprintf(remark, size, "the command ended with exit status %d", exit_code);
}

int64_t query_byte_count(const cJSON *number)
{
	bool is_count = cJSON_IsNumber(number) && number->valuedouble >= 0 && number->valuedouble < 0x1p53;

	return is_count ? (int64_t)number->valuedouble : -1;
}

static void query_fill_remark(const cJSON *body, struct query_reply *r)
{
	const cJSON *signal = aws_at(body, "signal");

	bool timed_out = cJSON_IsTrue(aws_at(body, "timed_out"));

	r->interrupted = timed_out || cJSON_IsNumber(signal);
	query_remark(r->exit_code, cJSON_IsNumber(signal) ? signal->valueint : 0, timed_out, r->remark,
		     sizeof(r->remark));
	if (cJSON_IsTrue(aws_at(body, "truncated_stderr")))
		snprintf(r->remark + strlen(r->remark), sizeof(r->remark) - strlen(r->remark),
			 "%sonly the last part of stderr is kept", *r->remark ? "; " : "");
}

int query_parse_reply(const struct aws_reply *reply, struct query_reply *ret, struct error *err)
{
	const cJSON *body = reply->body, *code = aws_at(body, "exit_code"), *text = aws_at(body, "stdout");
	int r;

	if (*reply->function_error)
		return query_function_failed(reply, err);
	if (!cJSON_IsNumber(code) || !cJSON_IsString(text))
		return query_refuse_reply(reply, err);
	*ret = (struct query_reply){.exit_code = code->valueint,
				    .stdin_bytes = query_byte_count(aws_at(body, "stdin_bytes"))};
	r = query_decode(text->valuestring, &ret->result);
	if (r == 0)
		r = query_decode(aws_text(body, "stderr"), &ret->errors);
	if (r < 0) {
		query_reply_release(ret);
		return r == -ENOMEM ? error_set(err, r, "out of memory") : query_refuse_reply(reply, err);
	}
	query_fill_remark(body, ret);
	return 0;
}

/* -- the end of a stream --------------------------------------------------------------------------------------- */

/* ErrorDetails contains the runtime's error object, or a message of Lambda. */
static void query_explain_complete(const char *code, const char *details, struct error *err)
{
	cJSON *tree = cJSON_Parse(details);
	const char *message = aws_text(tree, "errorMessage"), *words = *message ? message : details;

	error_set(err, -EIO, "%s", *words ? words : "the Lambda function failed without an error message");
	snprintf(err->code, sizeof(err->code), "%s", code);
	query_add_remedy(words, err);
	query_add_remedy(code, err);
	cJSON_Delete(tree);
}

int query_parse_complete(const char *text, size_t len, char **log_tail, struct error *err)
{
	cJSON *tree;
	int r = json_parse(text, len, &tree, NULL);
	const char *code = aws_text(tree, "ErrorCode"), *tail = aws_text(tree, "LogResult");

	*err = (struct error){0};
	*log_tail = *tail ? strdup(tail) : NULL;
	if (r == -ENOMEM || (*tail && !*log_tail))
		error_set(err, -ENOMEM, "out of memory");
	else if (!cJSON_IsObject(tree))
		error_set(err, -EBADMSG, "Lambda's InvokeComplete event is invalid");
	else if (*code)
		query_explain_complete(code, aws_text(tree, "ErrorDetails"), err);
	r = err->errnum;
	cJSON_Delete(tree);
	return r;
}

/* -- the log --------------------------------------------------------------------------------------------------- */

struct blob *query_log_tail(const char *encoded)
{
	struct blob *log;

	return query_decode(encoded, &log) == 0 ? log : NULL;
}

static bool query_is_of_lambda(const char *line, size_t len)
{
	static const char *const begins[] = {
		"INIT_START ", "START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "XRAY TraceId: "};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (len > strlen(begins[i]) && memcmp(line, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

struct blob *query_log_of_lambda(const struct blob *tail)
{
	_buf_ struct buf kept = BUF_INIT(tail->len);
	const char *line = tail->data, *end = line + tail->len;

	while (line < end) {
		const char *feed = memchr(line, '\n', (size_t)(end - line)), *next = feed ? feed + 1 : end;

		if (query_is_of_lambda(line, (size_t)(next - line)))
			buf_append(&kept, line, (size_t)(next - line));
		line = next;
	}
	return kept.len && !kept.error ? blob_from_buf(&kept) : NULL;
}

void query_reply_release(struct query_reply *r)
{
	blob_unref(r->result);
	blob_unref(r->errors);
	r->result = r->errors = NULL;
}

/* -- retrying -------------------------------------------------------------------------------------------------- */

bool query_not_started(const struct aws_reply *reply)
{
	/* Lambda API reference, Invoke, "Errors": errors that occur before the function's code is called. */
	static const char *const codes[] = {
		"ResourceNotReadyException", "ENINotReadyException",  "ResourceConflictException",
		"TooManyRequestsException",  "EC2ThrottledException", "SubnetIPAddressLimitReachedException",
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (error_has_code(&reply->error, codes[i]))
			return true;
	return false;
}

/* -- streams ---------------------------------------------------------------------------------------------------- */

bool query_streams_in(const char *partition)
{
	return strcmp(partition, "aws-cn") != 0;
}

/*
 * Lambda sends the status 200 before the function's code runs, so a status of 4xx or 501 was sent before. Exceptions:
 * statuses about the run itself or about timeouts, and errors that a plain request would get as well: missing
 * credentials, a missing function, and errors that are waited for (query_not_started).
 */
bool query_stream_refused(const struct aws_reply *reply)
{
	const struct error *err = &reply->error;

	if (error_has_code(err, "UnknownOperationException"))
		return true;
	if (reply->status != 501 && (reply->status < 400 || reply->status > 499))
		return false;
	return reply->status != 408 && reply->status != 429 && err->errnum != -ENOKEY && !query_not_started(reply) &&
	       !error_has_code(err, "ResourceNotFoundException") && !error_has_code(err, "EFSIOException");
}
