/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/crash_loop.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "stack/remedies.h"
#include "stack/server_list.h"

#include <string.h>

#define QUOTED_LINES 3
#define QUOTED_BYTES 100 /* of each quoted line */

/* Neither a person nor ECS's own scaling ended it. */
static bool crash_loop_counts(const cJSON *task)
{
	const char *code = aws_text(task, "stopCode");

	return strcmp(code, "EssentialContainerExited") == 0 || strcmp(code, "TaskFailedToStart") == 0 ||
	       (strcmp(code, "ServiceSchedulerInitiated") == 0 && strstr(aws_text(task, "stoppedReason"), "health"));
}

/* Negative if the text is not a time. */
static int64_t crash_loop_ended_ms(const cJSON *task)
{
	double at = aws_number(task, "executionStoppedAt", aws_number(task, "stoppingAt", 0));

	return clock_of_seconds(aws_number(task, "stoppedAt", at));
}

const cJSON *crash_loop_find(const cJSON *tasks, const char *service, double after, int64_t now_ms)
{
	const cJSON *task, *newest = NULL;
	unsigned crashes = 0;

	cJSON_ArrayForEach (task, tasks) {
		int64_t ended = crash_loop_ended_ms(task);

		if (strcmp(task_record_service(task), service) != 0 || task_record_created(task) <= after ||
		    !task_record_has_stopped(task) || !crash_loop_counts(task) || ended <= now_ms - CRASHES_WITHIN_MS)
			continue;
		crashes++;
		if (!newest || ended > crash_loop_ended_ms(newest))
			newest = task;
	}
	return crashes >= CRASHES_MAX ? newest : NULL;
}

int crash_loop_error(const cJSON *task, const char *tail, struct error *err)
{
	_buf_ struct buf reason = BUF_INIT(4096);

	task_record_put_end(task, &reason);
	error_set(err, -EIO, "the server ended %u times within %d minutes and is not started again: %.300s%s%s",
		  CRASHES_MAX, CRASHES_WITHIN_MS / 60000, buf_str(&reason), *tail ? "; its log ends: " : "", tail);
	remedy_apply(err);
	if (!*err->remedy)
		error_remedy(
			err,
			"read tasks/%s/task.log, fix the settings, touch control/deploy, then control/restart-task",
			task_record_id(task));
	return err->errnum;
}

int crash_loop_line_length(const char *text, size_t max)
{
	size_t len = strcspn(text, "\n");

	if (len > max)
		for (len = max; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	return (int)len;
}

void crash_loop_quote_log(const cJSON *events, struct buf *out)
{
	int skipped = cJSON_GetArraySize(events) - QUOTED_LINES;
	const cJSON *event;

	cJSON_ArrayForEach (event, events) {
		const char *message = aws_text(event, "message");

		if (skipped-- <= 0)
			buf_printf(out, "%s%.*s", out->len ? " | " : "", crash_loop_line_length(message, QUOTED_BYTES),
				   message);
	}
}
