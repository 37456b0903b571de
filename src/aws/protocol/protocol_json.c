/* SPDX-License-Identifier: BSD-3-Clause */
/* AWS JSON 1.1: everything in the body, the operation in X-Amz-Target. */
#include "aws/protocol/json.h"
#include "aws/protocol/protocol.h"

#include <string.h>

int aws_json_parse(struct aws_reply *reply)
{
	if (!reply->payload.len)
		return 0;
	errno = 0; /* cJSON does not report the reason of a failure, but malloc sets errno */
	reply->body = aws_json_read(reply->payload.data, reply->payload.len);
	if (reply->body)
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

int aws_json_put_params(const cJSON *params, struct buf *out)
{
	char *text = cJSON_PrintUnformatted(params);
	int e = text ? buf_puts(out, text) : -ENOMEM;

	cJSON_free(text);
	return e;
}

/* Puts the token of the next page into a copy of params. */
static cJSON *json_params_with_token(const struct aws_request *r, const char *token)
{
	cJSON *copy = cJSON_Duplicate(r->params, true);

	cJSON_DeleteItemFromObjectCaseSensitive(copy, r->paging.token_in);
	if (cJSON_AddStringToObject(copy, r->paging.token_in, token))
		return copy;
	cJSON_Delete(copy);
	return NULL;
}

static int json_build(const struct aws_request *r, const char *page_token, struct aws_message *ret)
{
	cJSON *paged = page_token ? json_params_with_token(r, page_token) : NULL;
	int e = aws_json_put_params(page_token ? paged : r->params, &ret->body);

	cJSON_Delete(paged);
	ret->content_type = "application/x-amz-json-1.1";
	snprintf(ret->target, sizeof(ret->target), "%s.%s", r->service->target_prefix, r->operation);
	ret->body_data = ret->body.data;
	ret->body_len = ret->body.len;
	return e;
}

static int json_parse(const struct aws_request *r, struct aws_reply *reply)
{
	(void)r;
	return aws_json_parse(reply);
}

static const char *json_first_text(const cJSON *body, const char *const *names)
{
	const char *text = "";

	for (; *names && !*text; names++)
		text = aws_text(body, *names);
	return text;
}

/* The code without the prefix and suffix that some services add: "com.amazon#Code:http://...", "Code;Sender". */
static void json_take_code(struct error *err, const char *text)
{
	const char *hash = strchr(text, '#');
	const char *code = hash ? hash + 1 : text;

	aws_copy_word(err->code, sizeof(err->code), code, strcspn(code, ":;"));
}

void aws_take_json_error(const struct http_reply *http, struct aws_reply *reply)
{
	static const char *const code_names[] = {"__type", "code", "Code", "ErrorCode", "errorCode", NULL};
	static const char *const message_names[] = {"message", "Message", "errorMessage", NULL};
	static const char *const header_names[] = {"x-amzn-query-error", "x-amzn-errortype"};
	char header[200] = "";

	aws_json_parse(reply);
	for (size_t i = 0; i < ARRAY_SIZE(header_names) && !*header; i++)
		http_header(http, header_names[i], header, sizeof(header));
	json_take_code(&reply->error, *header ? header : json_first_text(reply->body, code_names));
	snprintf(reply->error.message, sizeof(reply->error.message), "%s", json_first_text(reply->body, message_names));
}

const struct aws_protocol_row aws_protocol_json = {
	.build = json_build, .parse = json_parse, .parse_error = aws_take_json_error, .format = "JSON"};
