/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/ecs.h"
#include "stack/server.h"
#include "stack/server_list.h"

static int server_state_read_service(struct operation *op, struct server_state *s, struct error *err)
{
	int r = operation_call(op, ecs_describe_service(op->cluster, SERVICE_NAME), &s->service_reply, err);

	s->service = service_parse(s->service_reply, settings_get(op->settings, SETTING_STAGE));
	return r;
}

int server_state_read(struct operation *op, struct server_state *ret, struct error *err)
{
	int r;

	server_state_release(ret);
	r = server_state_read_service(op, ret, err);
	if (r == 0)
		r = tasks_read(op, &ret->tasks, err);
	if (r < 0)
		return r;
	ret->servers = server_list_unstopped(ret->tasks, operation_output(op, "TaskFamily"));
	return ret->servers ? 0 : -ENOMEM;
}

void server_state_release(struct server_state *s)
{
	cJSON_Delete(s->service_reply);
	cJSON_Delete(s->tasks);
	cJSON_Delete(s->servers);
	*s = (struct server_state){0};
}
