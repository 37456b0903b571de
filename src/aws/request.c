#include "aws/aws.h"

#include "aws/protocol.h"

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

void aws_reply_free(struct aws_reply *r)
{
	cJSON_Delete(r->body);
	buf_free(&r->payload);
	free(r->log_tail);
	r->body = NULL;
	r->log_tail = NULL;
}
