/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/logs.h"

#include "aws/services/service.h"

#define EVENT_MEMBERS                                                                   \
	{"events", AWS_LIST}, {"events.*", AWS_OBJECT}, {"events.*.message", AWS_TEXT}, \
	{                                                                               \
		"events.*.timestamp", AWS_COUNT                                         \
	}

struct aws_request *logs_get_log_events(const char *group, const char *stream, const char *token, int64_t since_ms)
{
	AWS_SHAPE(page, EVENT_MEMBERS, {"nextForwardToken", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_logs, "GetLogEvents");

	aws_put_members(r, page);
	aws_put_text(&r, "logGroupName", group);
	aws_put_text(&r, "logStreamName", stream);
	aws_put_text(&r, "nextToken", token);
	if (since_ms)
		aws_put_number(&r, "startTime", (double)since_ms);
	aws_put_flag(&r, "startFromHead", true);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *logs_get_last_events(const char *group, const char *stream, unsigned limit)
{
	AWS_SHAPE(last, EVENT_MEMBERS);
	struct aws_request *r = aws_request_new(&aws_service_logs, "GetLogEvents");

	aws_put_text(&r, "logGroupName", group);
	aws_put_text(&r, "logStreamName", stream);
	aws_put_members(r, last);
	aws_put_number(&r, "limit", limit);
	aws_put_flag(&r, "startFromHead", false);
	if (r)
		r->quiet = true;
	return r;
}
