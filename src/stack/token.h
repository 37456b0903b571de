/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token.h - client request tokens, by which AWS knows a repeated request and vastfs knows its own work again.
 *
 * CloudFormation remembers a token by the name of the stack, also after the stack is deleted, and refuses it for any
 * other call (TokenAlreadyExistsException). So there is one token for each operation of vastfs, API, try and stack ID;
 * being computed, it is the same again when the operation is resumed. CloudFormation writes it into every event of the
 * operation that it started (StackEvent.ClientRequestToken).
 *
 * Pure; any thread. Sources: CloudFormation API Reference, ExecuteChangeSet, DeleteStack and StackEvent
 * (ClientRequestToken: 1 to 128 characters, [a-zA-Z0-9][-a-zA-Z0-9]*).
 */
#ifndef VASTFS_STACK_TOKEN_H
#define VASTFS_STACK_TOKEN_H

#include "base/error.h"

#include <cjson/cJSON.h>

#define STACK_TOKEN_SIZE 80

/* operation: the token of vastfs's operation. api: the API's name, shorter than 32 characters. attempt counts from 1.
 */
void stack_token(char out[static STACK_TOKEN_SIZE], const char *operation, const char *api, unsigned attempt,
		 const char *stack_id);

/*
 * What became of the operation that was started with this token: the status of the newest event of the stack itself
 * that carries it. "" if no such event does. events: StackEvents of DescribeStackEvents, newest first.
 */
const char *stack_token_status(const cJSON *events, const char *token);

/* Whether AWS refused the request because it has accepted it before. The token being of this request only, that is
 * success: the reply was lost. */
bool stack_token_was_used(const struct error *err);

#endif
