/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http_call.h - one HTTP exchange for code that sleeps until it has ended.
 */
#ifndef VASTFS_AWS_HTTP_CALL_H
#define VASTFS_AWS_HTTP_CALL_H

#include "aws/aws.h"
#include "aws/http.h"

/*
 * Any thread but the engine's. 0: a reply came, whatever its status; else a negative errno with words (see struct
 * http_reply), -ECANCELED when the token was fired. *ret is to be freed in any case.
 */
int http_call(struct engine *e, const struct http_request *request, struct aws_cancel_token *cancel,
	      struct http_reply *ret, struct error *err);

#endif
