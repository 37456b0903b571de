/* SPDX-License-Identifier: BSD-3-Clause */
/* AWS restJson1: method and path name the operation, the body is JSON or raw bytes. */
#include "aws/protocol/protocol.h"

#include "aws/protocol/encode.h"

#include <string.h>

static int rest_build_body(const struct aws_request *r, struct aws_message *ret)
{
	int e;

	if (r->payload.len) {
		ret->body_data = r->payload.data;
		ret->body_len = r->payload.len;
		ret->content_type = "application/json";
		return 0;
	}
	if (!r->params)
		return 0;
	e = aws_json_put_params(r->params, &ret->body);
	ret->body_data = ret->body.data;
	ret->body_len = ret->body.len;
	ret->content_type = "application/json";
	return e;
}

static int rest_build(const struct aws_request *r, const char *page_token, struct aws_message *ret)
{
	if (r->method)
		ret->method = r->method;
	if (r->path)
		ret->path = r->path;
	if (r->query)
		buf_puts(&ret->query, r->query);
	if (page_token) {
		buf_printf(&ret->query, "%s%s=", r->query ? "&" : "", r->paging.token_in);
		aws_encode_text(&ret->query, page_token);
	}
	return ret->query.error ? ret->query.error : rest_build_body(r, ret);
}

static int rest_parse(const struct aws_request *r, struct aws_reply *reply)
{
	int e = aws_json_parse(reply);

	return r->opaque ? 0 : e;
}

const struct aws_protocol_row aws_protocol_rest = {
	.build = rest_build, .parse = rest_parse, .parse_error = aws_take_json_error, .format = "JSON"};
