/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/protocol.h"

#include <string.h>

const struct aws_protocol_row *aws_protocol_of(const struct aws_service *s)
{
	static const struct aws_protocol_row *const rows[] = {
		[AWS_JSON] = &aws_protocol_json,
		[AWS_QUERY] = &aws_protocol_query,
		[AWS_EC2] = &aws_protocol_ec2,
		[AWS_REST_JSON] = &aws_protocol_rest,
	};

	return rows[s->protocol];
}

void aws_message_free(struct aws_message *m)
{
	buf_free(&m->query);
	buf_free(&m->body);
}

void aws_copy_word(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && text[i] && n + 1 < size; i++)
		if (text[i] > ' ' && text[i] < 0x7f)
			out[n++] = text[i];
	out[n] = '\0';
}

void aws_reply_take_request_id(const struct http_reply *http, struct aws_reply *reply)
{
	static const char *const names[] = {"x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"};
	char id[sizeof(reply->request_id)] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names) && !*id; i++)
		http_header(http, names[i], id, sizeof(id));
	aws_copy_word(reply->request_id, sizeof(reply->request_id), id, sizeof(id));
}

/* The beginning of the reply, for messages; only the text outside of tags, because markup is not informative. */
static void protocol_quote(const struct buf *payload, char *out, size_t size)
{
	const char *s = buf_str(payload);
	bool tag = false;
	size_t n = 0;

	for (; *s && n + 1 < size; s++) {
		bool blank = (unsigned char)*s <= ' ' || *s == '>' || (unsigned char)*s >= 0x7f;

		tag = *s == '<' || (tag && *s != '>');
		if (!tag && (!blank || (n && out[n - 1] != ' ')))
			out[n++] = blank ? ' ' : *s;
	}
	out[n] = '\0';
}

/* A well-formed reply may still lack a required member, or be the reply to another request. */
static void protocol_check_shape(const struct aws_request *r, struct aws_reply *reply)
{
	const struct aws_member token[] = {{r->paging.token_out, AWS_STRING | AWS_OPTIONAL}, {NULL, 0}};
	int e;

	if (r->opaque)
		return;
	e = aws_shape_check(r->members, reply->body, &reply->error);
	if (e == 0 && r->paging.token_out)
		e = aws_shape_check(token, reply->body, &reply->error);
	if (e == 0)
		e = aws_echo_check(r->echoes, r->params, reply->body, &reply->error);
	if (e == 0)
		return;
	error_prefix(&reply->error, "the reply of %s to %s is unusable", r->service->name, r->operation);
	reply->error.http_status = reply->status;
}

static void protocol_parse_success(const struct aws_request *r, struct aws_reply *reply)
{
	const struct aws_protocol_row *row = aws_protocol_of(r->service);
	int e = row->parse(r, reply);
	char words[120];

	if (!e) {
		protocol_check_shape(r, reply);
		return;
	}
	protocol_quote(&reply->payload, words, sizeof(words));
	if (e == -ENOMEM)
		error_set(&reply->error, e, "out of memory while reading the reply of %s to %s", r->service->name,
			  r->operation);
	else if (e == -EFBIG)
		error_set(&reply->error, e, "the reply of %s to %s is larger or deeper than allowed", r->service->name,
			  r->operation);
	else
		error_set(&reply->error, e, "the reply of %s to %s is not %s: %s", r->service->name, r->operation,
			  row->format, *words ? words : "it is empty");
	reply->error.http_status = reply->status;
	if (e == -EBADMSG)
		error_remedy(&reply->error,
			     "check AWS_ENDPOINT_URL and the proxy settings: the reply does not come from AWS");
}

static void protocol_parse_failure(const struct aws_request *r, const struct http_reply *http, struct aws_reply *reply)
{
	const struct aws_protocol_row *row = aws_protocol_of(r->service);
	struct error *err = &reply->error;
	char words[120];

	*err = (struct error){0};
	row->parse_error(http, reply);
	if (!err->code[0] && row->format[0] == 'J') { /* a gateway in front of a JSON service may reply in XML */
		cJSON_Delete(move_ptr(reply->body));
		aws_protocol_query.parse_error(http, reply);
	}
	protocol_quote(&reply->payload, words, sizeof(words));
	if (err->code[0])
		snprintf(words, sizeof(words), "%s", err->code);
	if (!err->message[0])
		snprintf(err->message, sizeof(err->message), "%s returned HTTP status %d for %s: %s", r->service->name,
			 reply->status, r->operation, *words ? words : "no message");
	err->http_status = reply->status;
	snprintf(words, sizeof(words), "%s:%s", r->service->signing_name, r->operation);
	aws_explain(err, words);
}

/* Makes the message of the server one line without control characters, and sets errno and remedy. */
static void protocol_tidy_error(struct aws_reply *reply)
{
	struct error said = reply->error;

	error_set(&reply->error, said.errnum, "%s", said.message);
	memcpy(reply->error.remedy, said.remedy, sizeof(said.remedy));
	memcpy(reply->error.code, said.code, sizeof(said.code));
	reply->error.http_status = said.http_status;
	memcpy(reply->error.request_id, reply->request_id, sizeof(said.request_id));
}

void aws_reply_parse(const struct aws_request *r, const struct http_reply *http, struct aws_reply *reply)
{
	char tail[8192];

	aws_reply_take_request_id(http, reply);
	http_header(http, "x-amz-function-error", tail, sizeof(tail));
	aws_copy_word(reply->function_error, sizeof(reply->function_error), tail, sizeof(tail));
	if (*http_header(http, "x-amz-log-result", tail, sizeof(tail)))
		reply->log_tail = strdup(tail);
	if (reply->status >= 200 && reply->status < 300)
		protocol_parse_success(r, reply);
	else
		protocol_parse_failure(r, http, reply);
	if (error_is(&reply->error))
		protocol_tidy_error(reply);
}
