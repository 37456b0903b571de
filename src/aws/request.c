/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"

#include "aws/protocol/protocol.h"

#include <string.h>

void aws_request_free(struct aws_request *r)
{
	if (!r)
		return;
	cJSON_Delete(r->params);
	free(r->path);
	free(r->query);
	buf_free(&r->payload);
	free(r);
}

struct aws_request *aws_request_new(const struct aws_service *service, const char *operation)
{
	struct aws_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->service = service;
	r->operation = operation;
	buf_init(&r->payload, AWS_BODY_MAX);
	if (service->protocol == AWS_REST_JSON)
		return r;
	r->params = cJSON_CreateObject();
	if (r->params)
		return r;
	aws_request_free(r);
	return NULL;
}

static bool request_copy_parts(struct aws_request *copy, const struct aws_request *r)
{
	copy->params = r->params ? cJSON_Duplicate(r->params, true) : NULL;
	copy->path = r->path ? strdup(r->path) : NULL;
	copy->query = r->query ? strdup(r->query) : NULL;
	buf_init(&copy->payload, r->payload.max);
	return !copy->params == !r->params && !copy->path == !r->path && !copy->query == !r->query &&
	       buf_append(&copy->payload, r->payload.data, r->payload.len) == 0;
}

struct aws_request *aws_request_copy(const struct aws_request *r)
{
	struct aws_request *copy = r ? malloc(sizeof(*copy)) : NULL;

	if (!copy)
		return NULL;
	*copy = *r;
	if (request_copy_parts(copy, r))
		return copy;
	aws_request_free(copy);
	return NULL;
}

void aws_reply_free(struct aws_reply *r)
{
	cJSON_Delete(r->body);
	buf_free(&r->payload);
	free(r->log_tail);
	r->body = NULL;
	r->log_tail = NULL;
}
