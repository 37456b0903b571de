/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/service.h"

#include "aws/aws.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *service_tag(const cJSON *record, const char *key)
{
	const cJSON *tag;

	cJSON_ArrayForEach (tag, aws_at(record, "tags"))
		if (strcmp(aws_text(tag, "key"), key) == 0)
			return aws_text(tag, "value");
	return "";
}

static enum service_state service_state_of(const char *status)
{
	if (strcmp(status, "ACTIVE") == 0)
		return SERVICE_ACTIVE;
	return strcmp(status, "DRAINING") == 0 ? SERVICE_DRAINING : SERVICE_NONE;
}

static unsigned service_desired(const cJSON *record)
{
	int64_t n = aws_integer(record, "desiredCount", 0);

	return n > 0 && n <= INT_MAX ? (unsigned)n : 0;
}

struct service service_parse(const cJSON *reply, const char *stage)
{
	const cJSON *record = aws_at(reply, "services.0");
	struct service s = {.state = service_state_of(aws_text(record, "status")),
			    .ours = strcmp(service_tag(record, SERVICE_TAG_STAGE), stage) == 0,
			    .desired = service_desired(record),
			    .after = strtod(service_tag(record, SERVICE_TAG_AFTER), NULL)};

	snprintf(s.arn, sizeof(s.arn), "%s", aws_text(record, "serviceArn"));
	snprintf(s.definition, sizeof(s.definition), "%s", aws_text(record, "taskDefinition"));
	return s;
}

bool service_is_wanted(const struct service *s)
{
	return s->state == SERVICE_ACTIVE && s->ours && s->desired > 0;
}

/* The AWS CLI of the reader may have another region or cluster as default, so the command names both, from the ARN. */
static void service_put_where(const char *arn, char *out, size_t size)
{
	char region[64], cluster[256];

	*out = '\0';
	if (sscanf(arn, "arn:%*[^:]:ecs:%63[^:]:%*[^:]:service/%255[^/]/", region, cluster) == 2)
		snprintf(out, size, "--region %s --cluster %s ", region, cluster);
}

int service_check_ours(const struct service *s, struct error *err)
{
	char where[384];

	if (s->state == SERVICE_NONE || s->ours)
		return 0;
	service_put_where(s->arn, where, sizeof(where));
	error_set(err, -EEXIST,
		  "the ECS service %s exists in the stack's cluster, but lacks the tag " SERVICE_TAG_STAGE
		  ": vastfs did not create it",
		  SERVICE_NAME);
	error_remedy(
		err,
		"set server_restart=never in config/default.env to run the server without a service; or delete that "
		"service in the ECS console or with: aws ecs delete-service --force %s--service %s",
		where, *s->arn ? s->arn : SERVICE_NAME);
	return err->errnum;
}

unsigned service_new_events(const cJSON *reply, const char *seen, const char **out, unsigned max)
{
	const cJSON *event;
	unsigned n = 0;

	cJSON_ArrayForEach (event, aws_at(reply, "services.0.events")) {
		if (n == max || (*seen && strcmp(aws_text(event, "id"), seen) == 0))
			break;
		out[n++] = aws_text(event, "message");
	}
	return n;
}

const char *service_last_event_id(const cJSON *reply)
{
	return aws_text(reply, "services.0.events.0.id");
}
