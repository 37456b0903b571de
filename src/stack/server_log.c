/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/logs.h"
#include "stack/container.h"
#include "stack/crash_loop.h"
#include "stack/server.h"

#include <string.h>

#define READ_TRIES    4
#define READ_PAUSE_MS 500

/* CloudWatch shows the last lines a moment after the container has ended. */
static cJSON *server_log_read(struct operation *op, const char *task_id)
{
	struct error ignored = {0};
	char stream[CONTAINER_LOG_STREAM_SIZE];
	cJSON *reply = NULL;

	container_log_stream(task_id, stream);
	for (unsigned i = 0; i < READ_TRIES; i++) {
		cJSON_Delete(move_ptr(reply));
		if (operation_try(op,
				  logs_get_last_events(operation_output(op, "ServerLogGroup"), stream, CRASH_LOG_LINES),
				  &reply, &ignored) < 0 ||
		    cJSON_GetArraySize(aws_at(reply, "events")) > 0 || operation_sleep(op, READ_PAUSE_MS) < 0)
			break;
	}
	return reply;
}

void server_log_tail(struct operation *op, const char *task_id, struct buf *out)
{
	cJSON *reply = server_log_read(op, task_id);
	const cJSON *events = aws_at(reply, "events"), *event;

	cJSON_ArrayForEach (event, events) {
		const char *message = aws_text(event, "message");

		job_log(op->job, "log of %s: %.*s", task_id, crash_loop_line_length(message, strlen(message)), message);
	}
	crash_loop_quote_log(events, out);
	cJSON_Delete(reply);
}
