/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/token.h"

#include "aws/sign.h"
#include "stack/reply.h"

#include <errno.h>
#include <stdio.h>

#define TOKEN_DIGEST_HEX 32 /* characters of the digest */

int stack_token(char out[static STACK_TOKEN_SIZE], const char *operation, const char *api, unsigned attempt,
		const char *stack_id)
{
	char text[1024], hex[AWS_SHA256_HEX];
	int len = snprintf(text, sizeof(text), "%s %s %u %s", operation, api, attempt, stack_id), r;

	if (len < 0 || (size_t)len >= sizeof(text))
		return -EOVERFLOW;
	r = aws_sha256_hex(text, (size_t)len, hex);
	if (r == 0)
		snprintf(out, STACK_TOKEN_SIZE, "vastfs-%.31s-%.*s", api, TOKEN_DIGEST_HEX, hex);
	return r;
}

const char *stack_token_status(const cJSON *events, const char *token)
{
	const cJSON *event;

	cJSON_ArrayForEach (event, events)
		if (strcmp(reply_text(event, "ClientRequestToken"), token) == 0 &&
		    strcmp(reply_text(event, "PhysicalResourceId"), reply_text(event, "StackId")) == 0)
			return reply_text(event, "ResourceStatus");
	return "";
}

bool stack_token_was_used(const struct error *err)
{
	/* The API's own code; a client made from the model drops "Exception". */
	return error_has_code(err, "TokenAlreadyExistsException") || error_has_code(err, "TokenAlreadyExists");
}
