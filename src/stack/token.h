/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token.h - client request tokens, by which AWS recognizes a repeated request and vastfs its own operations.
 *
 * CloudFormation remembers a token by the name of the stack, also after the stack is deleted, and refuses it for any
 * other call (TokenAlreadyExistsException). There is therefore one token for each combination of vastfs's operation,
 * API, attempt and stack ID. It is computed, so a resumed operation computes the same one. CloudFormation writes it
 * into every event of the operation that it started (StackEvent.ClientRequestToken).
 *
 * Pure; any thread. Sources: CloudFormation API Reference, ExecuteChangeSet, DeleteStack and StackEvent
 * (ClientRequestToken: 1 to 128 characters, [a-zA-Z0-9][-a-zA-Z0-9]*).
 */
#ifndef VASTFS_STACK_TOKEN_H
#define VASTFS_STACK_TOKEN_H

#include "base/error.h"

#include <cjson/cJSON.h>

#define STACK_TOKEN_SIZE 80

/*
 * operation: the token of vastfs's operation. api: the API's name, shorter than 32 characters. attempt counts from 1.
 * 0, -ENOMEM, or -EOVERFLOW for texts that are too long: out is unchanged.
 */
int stack_token(char out[static STACK_TOKEN_SIZE], const char *operation, const char *api, unsigned attempt,
		const char *stack_id);

/*
 * The outcome of the operation that was started with this token: the status in the newest event of the stack itself
 * that has the token. "" if there is no such event. events: StackEvents of DescribeStackEvents, newest first.
 */
const char *stack_token_status(const cJSON *events, const char *token);

/*
 * Whether AWS refused the request because it has accepted the same one before. Since no other request has this token,
 * that is success: the reply was lost.
 */
bool stack_token_was_used(const struct error *err);

#endif
