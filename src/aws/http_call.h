/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http_call.h - one HTTP exchange; the caller sleeps until it has ended.
 */
#ifndef VASTFS_AWS_HTTP_CALL_H
#define VASTFS_AWS_HTTP_CALL_H

#include "aws/aws.h"
#include "aws/http.h"

/*
 * The engine's thread must not call this. 0: *ret is a reply with any status; else a negative errno with err set (see
 * struct http_reply), -ECANCELED if the token was fired. The caller frees *ret in any case.
 */
int http_call(struct engine *e, const struct http_request *request, struct aws_cancel_token *cancel,
	      struct http_reply *ret, struct error *err);

#endif
