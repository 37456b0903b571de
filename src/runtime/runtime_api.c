#include "runtime_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define API_ROOT "/2018-06-01/runtime"

int runtime_api_init(struct http *api, const char *address)
{
	int err = http_init(api, address);

	if (err < 0)
		log_say("AWS_LAMBDA_RUNTIME_API is not <host>:<port>: '%s'", address);
	return err;
}

static const char *api_trouble(int err)
{
	switch (-err) {
	case ECONNRESET:
	case EPIPE:
		return "it closed the connection before its reply was complete";
	case EPROTO:
		return "its reply is not valid HTTP";
	case EMSGSIZE:
		return "its reply is larger than an invocation can be";
	case ETIMEDOUT:
		return "it stopped in the middle of a message";
	default:
		return strerror(-err);
	}
}

static int api_call(struct http *api, const struct http_request *request, struct http_reply *ret_reply)
{
	int err = http_call(api, request, ret_reply);

	if (err < 0)
		log_say("%s %s at %s:%s failed: %s", request->method, request->path, api->host, api->port,
			api_trouble(err));
	return err == -EMSGSIZE ? -EPROTO : err;
}

/* The id becomes part of a path. */
static bool id_is_sane(const char *id)
{
	return id[0] && id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")] == '\0';
}

static int invocation_read(struct http_reply *reply, struct invocation *invocation)
{
	char deadline[32] = "";

	memset(invocation, 0, sizeof(*invocation));
	if (reply->status != 200) {
		log_say("the Runtime API answered HTTP %d instead of an invocation", reply->status);
		return -EPROTO;
	}
	if (!http_header(reply, "Lambda-Runtime-Aws-Request-Id", invocation->id, sizeof(invocation->id)) ||
	    !id_is_sane(invocation->id)) {
		log_say("the Runtime API sent an invocation without a request id");
		return -EPROTO;
	}
	if (http_header(reply, "Lambda-Runtime-Deadline-Ms", deadline, sizeof(deadline)))
		invocation->deadline_ms = strtoll(deadline, NULL, 10);
	if (!http_header(reply, "Lambda-Runtime-Trace-Id", invocation->trace, sizeof(invocation->trace)))
		invocation->trace[0] = '\0';
	invocation->event = reply->body;
	reply->body = (struct buffer){0};
	return 0;
}

int runtime_api_next(struct http *api, struct invocation *ret_invocation)
{
	static struct http_reply reply;
	const struct http_request request = {
		.method = "GET", .path = API_ROOT "/invocation/next", .headers = "", .for_ever = true};
	int err = api_call(api, &request, &reply);

	if (err < 0)
		return err;
	err = invocation_read(&reply, ret_invocation);
	buffer_free(&reply.body);
	return err;
}

void invocation_free(struct invocation *invocation)
{
	buffer_free(&invocation->event);
}

/* 413 and 5xx are the two that matter: an answer that did not count, and an environment that is to be left. */
static int api_post(struct http *api, const struct http_request *request)
{
	static struct http_reply reply;
	int err = api_call(api, request, &reply);

	if (err < 0)
		return err;
	if (reply.status >= 300)
		log_say("POST %s was refused with HTTP %d: %.*s", request->path, reply.status,
			(int)(reply.body.len < 256 ? reply.body.len : 256), reply.body.len ? reply.body.data : "");
	buffer_free(&reply.body);
	if (reply.status == 413)
		return -EMSGSIZE;
	return reply.status >= 500 ? -EIO : 0;
}

int runtime_api_respond(struct http *api, const char *id, size_t length, int (*body)(void *, struct http *),
			void *context)
{
	char path[256];
	const struct http_request request = {.method = "POST",
					     .path = path,
					     .headers = "Content-Type: application/json\r\n",
					     .length = length,
					     .body = body,
					     .context = context};

	snprintf(path, sizeof(path), API_ROOT "/invocation/%s/response", id);
	return api_post(api, &request);
}

static int write_text(void *context, struct http *api)
{
	return http_write(api, context, strlen(context));
}

/* Messages are the runtime's own and are ASCII. */
static void json_escape(char *to, size_t size, const char *text)
{
	for (char *end = to + size - 2; *text && to < end; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
}

int runtime_api_error(struct http *api, const char *id, const char *type, const char *message)
{
	char path[256] = API_ROOT "/init/error", headers[256], escaped[1024], body[1400];
	struct http_request request = {
		.method = "POST", .path = path, .headers = headers, .body = write_text, .context = body};
	int err;

	if (id)
		snprintf(path, sizeof(path), API_ROOT "/invocation/%s/error", id);
	snprintf(headers, sizeof(headers),
		 "Content-Type: application/vnd.aws.lambda.error+json\r\n"
		 "Lambda-Runtime-Function-Error-Type: %s\r\n",
		 type);
	json_escape(escaped, sizeof(escaped), message);
	snprintf(body, sizeof(body), "{\"errorMessage\":\"%s\",\"errorType\":\"%s\",\"stackTrace\":[]}", escaped, type);
	request.length = strlen(body);
	log_say("%s: %s", type, message);
	err = api_post(api, &request);
	return err == -EMSGSIZE ? 0 : err;
}
