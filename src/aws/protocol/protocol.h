/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - the four protocols of AWS, one row each: make a request, parse a reply. Pure functions.
 *
 * Sources: "AWS Query", "Amazon EC2 Query", "AWS JSON 1.1" and "AWS restJson1" protocols of the Smithy specification.
 */
#ifndef VASTFS_AWS_PROTOCOL_H
#define VASTFS_AWS_PROTOCOL_H

#include "aws/aws.h"
#include "aws/http.h"

#define AWS_BODY_MAX ((size_t)16 << 20)

struct aws_message {
	const char *method;
	const char *path;      /* points into the request, starts with a slash */
	struct buf query;      /* without the question mark */
	struct buf body;       /* owned, unless the request's payload is used */
	const void *body_data; /* the bytes of the body */
	size_t body_len;
	const char *content_type; /* NULL: no body, no header */
	char target[160];	  /* X-Amz-Target, "" without */
};

void aws_message_free(struct aws_message *m);

struct aws_protocol_row {
	int (*build)(const struct aws_request *r, const char *page_token, struct aws_message *ret);
	/* Sets reply->body of a reply with status 2xx; -EBADMSG: malformed. */
	int (*parse)(const struct aws_request *r, struct aws_reply *reply);
	/* Sets reply->error.code and .message of other replies, if they contain them. */
	void (*parse_error)(const struct http_reply *http, struct aws_reply *reply);
	const char *format; /* name of the format of replies, for messages */
};

extern const struct aws_protocol_row aws_protocol_json, aws_protocol_query, aws_protocol_ec2, aws_protocol_rest;

const struct aws_protocol_row *aws_protocol_of(const struct aws_service *s);

/* Sets body and error from payload, status and request_id. -EIO: an error reply of AWS; -EBADMSG: malformed. */
void aws_reply_parse(const struct aws_request *r, const struct http_reply *http, struct aws_reply *reply);

/* Sets request_id, also of a truncated reply. */
void aws_reply_take_request_id(const struct http_reply *http, struct aws_reply *reply);

/* Sets errno and remedy by err->code, from a table. action: IAM's name of the operation, for a denied call; may be
 * NULL. */
void aws_explain(struct error *err, const char *action);

/* The functions of the rows use this: sets the code of a JSON error ("prefix#Code:uri" becomes "Code"). */
void aws_take_json_error(const struct http_reply *http, struct aws_reply *reply);
int aws_json_parse(struct aws_reply *reply);
/* Appends params as JSON, without blanks. -EFBIG, -ENOMEM. */
int aws_json_put_params(const cJSON *params, struct buf *out);
/* Copies text from the network into a field that is one word of a log line. */
void aws_copy_word(char *out, size_t size, const char *text, size_t len);

#endif
