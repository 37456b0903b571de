/* SPDX-License-Identifier: BSD-3-Clause */
#include "runtime_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "log.h"

#define API_ROOT "/2018-06-01/runtime"

#define ERROR_TYPE "Lambda-Runtime-Function-Error-Type"
#define ERROR_BODY "Lambda-Runtime-Function-Error-Body"

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

static int api_call(struct http *api, const struct api_request *request, struct api_reply *ret_reply)
{
	int err = http_call(api, request, ret_reply);

	if (err < 0)
		log_say("%s %s at %s:%s failed: %s", request->method, request->path, api->host, api->port,
			api_trouble(err));
	return err == -EMSGSIZE ? -EPROTO : err;
}

/* The ID becomes part of a path, so its characters are restricted. */
static bool api_id_is_valid(const char *id)
{
	return id[0] && id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")] == '\0';
}

static int api_read_invocation(struct api_reply *reply, struct invocation *invocation)
{
	char deadline[32] = "";

	memset(invocation, 0, sizeof(*invocation));
	if (reply->status != 200) {
		log_say("the Runtime API answered HTTP %d instead of an invocation", reply->status);
		return -EPROTO;
	}
	if (!http_header(reply, "Lambda-Runtime-Aws-Request-Id", invocation->id, sizeof(invocation->id)) ||
	    !api_id_is_valid(invocation->id)) {
		log_say("the Runtime API sent an invocation without a request ID");
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
	static struct api_reply reply;
	const struct api_request request = {
		.method = "GET", .path = API_ROOT "/invocation/next", .headers = "", .for_ever = true};
	int err = api_call(api, &request, &reply);

	if (err < 0)
		return err;
	err = api_read_invocation(&reply, ret_invocation);
	buffer_free(&reply.body);
	return err;
}

void invocation_free(struct invocation *invocation)
{
	buffer_free(&invocation->event);
}

/*
 * Two statuses have consequences: after 413 the response did not count, and after 5xx the process has to leave the
 * execution environment.
 */
static int api_judge(struct api_reply *reply, const char *path)
{
	if (reply->status >= 300)
		log_say("POST %s was refused with HTTP %d: %.*s", path, reply->status,
			(int)(reply->body.len < 256 ? reply->body.len : 256), reply->body.len ? reply->body.data : "");
	buffer_free(&reply->body);
	if (reply->status == 413)
		return -EMSGSIZE;
	return reply->status >= 500 ? -EIO : 0;
}

static int api_post(struct http *api, const struct api_request *request)
{
	static struct api_reply reply;
	int err = api_call(api, request, &reply);

	return err < 0 ? err : api_judge(&reply, request->path);
}

static const char *api_response_path(char (*path)[256], const char *id)
{
	snprintf(*path, sizeof(*path), API_ROOT "/invocation/%s/response", id);
	return *path;
}

int runtime_api_respond(struct http *api, const char *id, size_t length, int (*body)(void *, struct http *),
			void *context)
{
	char path[256];
	const struct api_request request = {.method = "POST",
					    .path = api_response_path(&path, id),
					    .headers = "Content-Type: application/json\r\n",
					    .length = length,
					    .body = body,
					    .context = context};

	return api_post(api, &request);
}

static int api_write_text(void *context, struct http *api)
{
	return http_write(api, context, strlen(context));
}

/* The messages come from the runtime itself and are ASCII. */
static void api_json_escape(char *to, size_t size, const char *text)
{
	for (char *end = to + size - 2; *text && to < end; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
}

#define ERROR_BODY_MAX 1400

static void api_error_body(char (*ret_body)[ERROR_BODY_MAX], const char *type, const char *message)
{
	char escaped[1024];

	api_json_escape(escaped, sizeof(escaped), message);
	snprintf(*ret_body, sizeof(*ret_body), "{\"errorMessage\":\"%s\",\"errorType\":\"%s\",\"stackTrace\":[]}",
		 escaped, type);
	log_say("%s: %s", type, message);
}

int runtime_api_error(struct http *api, const char *id, const char *type, const char *message)
{
	char path[256] = API_ROOT "/init/error", headers[256], body[ERROR_BODY_MAX];
	struct api_request request = {
		.method = "POST", .path = path, .headers = headers, .body = api_write_text, .context = body};
	int err;

	if (id)
		snprintf(path, sizeof(path), API_ROOT "/invocation/%s/error", id);
	snprintf(headers, sizeof(headers),
		 "Content-Type: application/vnd.aws.lambda.error+json\r\n" ERROR_TYPE ": %s\r\n", type);
	api_error_body(&body, type, message);
	request.length = strlen(body);
	err = api_post(api, &request);
	return err == -EMSGSIZE ? 0 : err;
}

/* --- streams --- */

int runtime_api_stream_begin(struct http *api, const char *id, int64_t until)
{
	char path[256];
	const struct api_request request = {.method = "POST",
					    .path = api_response_path(&path, id),
					    .headers = "Content-Type: application/octet-stream\r\n"
						       "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
						       "Trailer: " ERROR_TYPE ", " ERROR_BODY "\r\n"};

	return http_stream_begin(api, &request, until);
}

static const char *api_stream_trouble(int err)
{
	switch (-err) {
	case ETIMEDOUT:
		return "it was not read until the function's time was over";
	case ECONNRESET:
	case EPIPE:
		return "the connection was closed";
	default:
		return api_trouble(err);
	}
}

int runtime_api_stream_abandon(struct http *api, const char *id, int why)
{
	static struct api_reply reply;
	char path[256];
	int err = http_stream_abandon(api, &reply);

	if (err == 0)
		return api_judge(&reply, api_response_path(&path, id)) == -EIO ? -EIO : 0;
	log_say("POST %s was interrupted: %s", api_response_path(&path, id), api_stream_trouble(why));
	return 0;
}

static int api_stream_close(struct http *api, const char *id, const char *trailers)
{
	static struct api_reply reply;
	char path[256];
	int err = http_stream_end(api, trailers, &reply);

	if (err < 0)
		return runtime_api_stream_abandon(api, id, err);
	return api_judge(&reply, api_response_path(&path, id)) == -EIO ? -EIO : 0;
}

int runtime_api_stream_end(struct http *api, const char *id)
{
	return api_stream_close(api, id, "");
}

int runtime_api_stream_fail(struct http *api, const char *id, const char *type, const char *message)
{
	char body[ERROR_BODY_MAX], encoded[ERROR_BODY_MAX / 3 * 4 + 8], trailers[sizeof(encoded) + 256];

	api_error_body(&body, type, message);
	base64_encode(encoded, body, strlen(body));
	encoded[base64_encoded_len(strlen(body))] = '\0';
	snprintf(trailers, sizeof(trailers), ERROR_TYPE ": %s\r\n" ERROR_BODY ": %s\r\n", type, encoded);
	return api_stream_close(api, id, trailers);
}
