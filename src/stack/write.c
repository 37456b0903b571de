/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/write.h"

#include "aws/services/cloudformation.h"
#include "stack/template.h"
#include "stack/token.h"

#include <errno.h>
#include <string.h>

/*
 * The API's names, as they are written into tokens, which show in the stack's events, and into the operation's memory.
 */
static const char *const write_names[WRITE_MAX] = {
	[WRITE_EXECUTE_CHANGE_SET] = "ExecuteChangeSet",
	[WRITE_DELETE_STACK] = "DeleteStack",
	[WRITE_CANCEL_UPDATE] = "CancelUpdateStack",
	[WRITE_CONTINUE_ROLLBACK] = "ContinueUpdateRollback",
};

static struct aws_request *write_request(enum stack_write what, const char *stack, const char *change_set,
					 const char *token)
{
	switch (what) {
	case WRITE_EXECUTE_CHANGE_SET:
		return cloudformation_execute_change_set(stack, change_set, token);
	case WRITE_DELETE_STACK:
		return cloudformation_delete_stack(stack, token);
	case WRITE_CANCEL_UPDATE:
		return cloudformation_cancel_update_stack(stack, token);
	case WRITE_CONTINUE_ROLLBACK:
		return cloudformation_continue_update_rollback(stack, token);
	case WRITE_MAX:
		break;
	}
	return NULL;
}

/* The number of the newest attempt, 0 if there was none. */
static unsigned write_tries(const struct operation *op, enum stack_write what)
{
	return (unsigned)strtoul(operation_recall(op, write_names[what]), NULL, 10);
}

static int write_token(const struct operation *op, enum stack_write what, unsigned attempt,
		       char out[static STACK_TOKEN_SIZE])
{
	return stack_token(out, op->token, write_names[what], attempt, aws_text(op->stack, "StackId"));
}

/* A request that is cut short might be accepted without vastfs knowing. */
static int write_send(struct operation *op, struct aws_request *request, struct error *err)
{
	struct aws_cancel_token *cancel = op->cancel;
	int r;

	op->cancel = op->stop;
	r = operation_call(op, request, NULL, err);
	op->cancel = cancel;
	return r < 0 && stack_token_was_used(err) ? 0 : r;
}

/*
 * A stack that does not exist yet is addressed by its name, an existing one by its ID, so that a stack which takes its
 * place is never touched.
 */
int stack_write_change_set(struct operation *op, const char *name, cJSON *parameters, struct error *err)
{
	const char *id = aws_text(op->stack, "StackId");
	struct cloudformation_change_set request = {.stack = *id ? id : op->name,
						    .name = name,
						    .create = op->created,
						    .template_body = template_text(NULL),
						    .parameters = parameters,
						    .token = name,
						    .stage = settings_get(op->settings, SETTING_STAGE)};
	int r = write_send(op, cloudformation_create_change_set(&request), err);

	if (r < 0 && error_has_code(err, "AlreadyExistsException"))
		r = 0; /* an earlier copy of this request created it */
	return r < 0 ? r : operation_read_own_stack(op, err);
}

int stack_write(struct operation *op, enum stack_write what, const char *change_set, struct error *err)
{
	unsigned attempt = write_tries(op, what) + 1;
	char token[STACK_TOKEN_SIZE], number[16];
	int r = stack_mark(op, err);

	snprintf(number, sizeof(number), "%u", attempt);
	if (r == 0)
		r = write_token(op, what, attempt, token);
	if (r == 0)
		r = operation_remember(op, write_names[what], number, err);
	if (r < 0)
		return r;
	return write_send(op, write_request(what, aws_text(op->stack, "StackId"), change_set, token), err);
}

bool stack_write_was_tried(const struct operation *op, enum stack_write what)
{
	return write_tries(op, what) > 0;
}

int stack_write_status(const struct operation *op, enum stack_write what, const cJSON *events, const char **ret)
{
	char token[STACK_TOKEN_SIZE];
	int r = 0;

	*ret = "";
	for (unsigned attempt = write_tries(op, what); attempt > 0 && r == 0 && !**ret; attempt--) {
		r = write_token(op, what, attempt, token);
		if (r == 0)
			*ret = stack_token_status(events, token);
	}
	return r;
}

/* 1 if the event carries the token of one of the attempts, 0 if not, or a negative errno. */
static int write_began(const struct operation *op, enum stack_write what, const cJSON *event)
{
	const char *begun_with = aws_text(event, "ClientRequestToken");
	char token[STACK_TOKEN_SIZE];

	for (unsigned attempt = write_tries(op, what); *begun_with && attempt > 0; attempt--) {
		int r = write_token(op, what, attempt, token);

		if (r < 0 || strcmp(token, begun_with) == 0)
			return r < 0 ? r : 1;
	}
	return 0;
}

cJSON *stack_write_events(const struct operation *op, enum stack_write what, const cJSON *events)
{
	cJSON *own = cJSON_CreateArray(), *event;

	cJSON_ArrayForEach (event, events) {
		int r = own ? write_began(op, what, event) : -ENOMEM;

		if (r < 0 || (r == 1 && !cJSON_AddItemReferenceToArray(own, event))) {
			cJSON_Delete(own);
			return NULL;
		}
	}
	return own;
}

int stack_write_is_newest(const struct operation *op, const cJSON *events)
{
	const cJSON *newest = cJSON_GetArrayItem(events, 0);
	int r = 0;

	for (enum stack_write what = 0; what < WRITE_MAX && r == 0; what++)
		r = write_began(op, what, newest);
	return r;
}
