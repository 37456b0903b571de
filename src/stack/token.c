/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/token.h"

#include "stack/reply.h"

#include <openssl/sha.h>
#include <stdio.h>

#define TOKEN_DIGEST_BYTES 16

void stack_token(char out[static STACK_TOKEN_SIZE], const char *operation, const char *api, unsigned attempt,
		 const char *stack_id)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[1024];
	int at = snprintf(out, STACK_TOKEN_SIZE, "vastfs-%.31s-", api);

	snprintf(text, sizeof(text), "%s %s %u %s", operation, api, attempt, stack_id);
	SHA256((const unsigned char *)text, strlen(text), digest);
	for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++)
		at += snprintf(out + at, STACK_TOKEN_SIZE - (size_t)at, "%02x", digest[i]);
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
