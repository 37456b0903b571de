/* SPDX-License-Identifier: BSD-3-Clause */
/* AWS Query and EC2 Query: a form in, XML out. They differ in the numbering of lists and in the elements around a
 * reply. */
#include "aws/protocol/encode.h"
#include "aws/protocol/protocol.h"
#include "aws/protocol/xml.h"

#include <math.h>
#include <string.h>

#define NAME_SIZE 512

/* Flattens one value under its name: "Tags.member.1.Key=a" (Query), "Filter.1.Name=a" (EC2). */
static int query_put_value(struct buf *out, const char *name, const cJSON *value, bool ec2);

static int query_put_leaf(struct buf *out, const char *name, const cJSON *value)
{
	buf_putc(out, '&');
	buf_puts(out, name);
	buf_putc(out, '=');
	if (cJSON_IsString(value))
		aws_encode_text(out, value->valuestring);
	else if (cJSON_IsBool(value))
		buf_puts(out, cJSON_IsTrue(value) ? "true" : "false");
	else if (cJSON_IsNumber(value))
		buf_printf(out, value->valuedouble == floor(value->valuedouble) ? "%.0f" : "%.17g", value->valuedouble);
	return out->error;
}

static int query_put_list(struct buf *out, const char *name, const cJSON *list, bool ec2)
{
	const cJSON *entry;
	char full[NAME_SIZE];
	int n = 0;

	if (!list->child && !ec2)
		return query_put_leaf(out, name, NULL);
	cJSON_ArrayForEach (entry, list) {
		int e;

		snprintf(full, sizeof(full), "%s%s.%d", name, ec2 ? "" : ".member", ++n);
		e = query_put_value(out, full, entry, ec2);
		if (e < 0)
			return e;
	}
	return 0;
}

static int query_put_object(struct buf *out, const char *name, const cJSON *object, bool ec2)
{
	const cJSON *m;
	char full[NAME_SIZE];

	cJSON_ArrayForEach (m, object) {
		int e;

		snprintf(full, sizeof(full), "%s%s%s", name, *name ? "." : "", m->string);
		e = query_put_value(out, full, m, ec2);
		if (e < 0)
			return e;
	}
	return 0;
}

static int query_put_value(struct buf *out, const char *name, const cJSON *value, bool ec2)
{
	if (strlen(name) + 64 > NAME_SIZE)
		return -EINVAL;
	if (cJSON_IsArray(value))
		return query_put_list(out, name, value, ec2);
	if (cJSON_IsObject(value))
		return query_put_object(out, name, value, ec2);
	return cJSON_IsNull(value) ? 0 : query_put_leaf(out, name, value);
}

static int query_build_form(const struct aws_request *r, const char *page_token, struct aws_message *ret, bool ec2)
{
	struct buf *b = &ret->body;
	int e;

	buf_printf(b, "Action=%s&Version=%s", r->operation, r->service->api_version);
	e = r->params ? query_put_object(b, "", r->params, ec2) : 0;
	if (page_token) {
		buf_printf(b, "&%s=", r->paging.token_in);
		aws_encode_text(b, page_token);
	}
	ret->content_type = "application/x-www-form-urlencoded; charset=utf-8";
	ret->body_data = b->data;
	ret->body_len = b->len;
	return e ? e : b->error;
}

static int query_build(const struct aws_request *r, const char *page_token, struct aws_message *ret)
{
	return query_build_form(r, page_token, ret, false);
}

static int query_build_ec2(const struct aws_request *r, const char *page_token, struct aws_message *ret)
{
	return query_build_form(r, page_token, ret, true);
}

/* The tree below the root element if the root has the expected name; root is consumed. */
static cJSON *query_unwrap(cJSON *root, const char *name)
{
	cJSON *inner = cJSON_DetachItemFromObjectCaseSensitive(root, name);

	cJSON_Delete(root);
	return inner;
}

static int query_parse_response(const struct aws_request *r, struct aws_reply *reply, cJSON **ret)
{
	char name[128];
	cJSON *root;
	int e = aws_xml_parse(buf_str(&reply->payload), reply->payload.len, &root);

	if (e < 0)
		return e;
	snprintf(name, sizeof(name), "%sResponse", r->operation);
	*ret = query_unwrap(root, name);
	return *ret ? 0 : -EBADMSG;
}

static void query_take_request_id(struct aws_reply *reply, const char *id)
{
	if (*id)
		aws_copy_word(reply->request_id, sizeof(reply->request_id), id, strlen(id));
}

static int query_parse_ec2(const struct aws_request *r, struct aws_reply *reply)
{
	int e = query_parse_response(r, reply, &reply->body);

	if (!e)
		query_take_request_id(reply, aws_text(reply->body, "requestId"));
	return e;
}

static int query_parse(const struct aws_request *r, struct aws_reply *reply)
{
	cJSON *response;
	char name[128];
	int e = query_parse_response(r, reply, &response);

	if (e < 0)
		return e;
	query_take_request_id(reply, aws_text(response, "ResponseMetadata.RequestId"));
	snprintf(name, sizeof(name), "%sResult", r->operation);
	reply->body = query_unwrap(response, name);
	return 0;
}

/* <ErrorResponse><Error>, and EC2's <Response><Errors><Error>. */
static void query_parse_error(const struct http_reply *http, struct aws_reply *reply)
{
	static const char *const places[] = {"ErrorResponse.Error", "Response.Errors.Error", "Error"};
	static const char *const ids[] = {"ErrorResponse.RequestId", "ErrorResponse.RequestID", "Response.RequestID",
					  "Response.RequestId", "Error.RequestId"};
	const cJSON *error = NULL;
	const char *code;

	if (aws_xml_parse(buf_str(&reply->payload), reply->payload.len, &reply->body) < 0) {
		aws_take_json_error(http, reply);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places) && !error; i++)
		error = aws_at(reply->body, places[i]);
	if (cJSON_IsArray(error))
		error = error->child;
	code = aws_text(error, "Code");
	aws_copy_word(reply->error.code, sizeof(reply->error.code), code, strlen(code));
	snprintf(reply->error.message, sizeof(reply->error.message), "%s", aws_text(error, "Message"));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		query_take_request_id(reply, aws_text(reply->body, ids[i]));
}

const struct aws_protocol_row aws_protocol_query = {
	.build = query_build, .parse = query_parse, .parse_error = query_parse_error, .format = "XML"};
const struct aws_protocol_row aws_protocol_ec2 = {
	.build = query_build_ec2, .parse = query_parse_ec2, .parse_error = query_parse_error, .format = "XML"};
