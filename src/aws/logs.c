#include "aws/logs.h"

static struct aws_request *new_call(const char *operation, const char *group)
{
	struct aws_request *r = aws_request_new(&aws_service_logs, operation);

	aws_put_text(&r, "logGroupName", group);
	return r;
}

struct aws_request *aws_logs_get_events(const char *group, const char *stream, const char *token)
{
	struct aws_request *r = new_call("GetLogEvents", group);

	aws_put_text(&r, "logStreamName", stream);
	aws_put_flag(&r, "startFromHead", true);
	aws_put_text(&r, "nextToken", token);
	return r;
}

struct aws_request *aws_logs_describe_streams(const char *group, const char *prefix, const char *token)
{
	struct aws_request *r = new_call("DescribeLogStreams", group);

	aws_put_text(&r, "logStreamNamePrefix", prefix);
	if (!prefix) { /* AWS allows no order by time together with a prefix */
		aws_put_text(&r, "orderBy", "LastEventTime");
		aws_put_flag(&r, "descending", true);
	}
	aws_put_text(&r, "nextToken", token);
	return r;
}

struct aws_request *aws_logs_filter_events(const char *group, const char *prefix, const char *pattern, int64_t from_ms,
					   const char *token)
{
	struct aws_request *r = new_call("FilterLogEvents", group);

	aws_put_text(&r, "logStreamNamePrefix", prefix);
	aws_put_text(&r, "filterPattern", pattern);
	if (from_ms > 0)
		aws_put_number(&r, "startTime", (double)from_ms);
	aws_put_text(&r, "nextToken", token);
	return r;
}
