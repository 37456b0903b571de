/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server_service.c - creates, scales and deletes the ECS service that keeps the server running.
 */
#include "aws/services/ecs.h"
#include "aws/services/service.h"
#include "aws/sign.h"
#include "stack/container.h"
#include "stack/images.h"
#include "stack/remedies.h"
#include "stack/server.h"
#include "stack/server_list.h"

#include <string.h>

#define CREATE_TRIES   3
#define TOKEN_SIZE     33 /* CreateService takes at most 36 characters */
#define AFTER_SIZE     32
#define GONE_LIMIT_MS  (5 * 60 * INT64_C(1000))
#define NOT_IDEMPOTENT "not idempotent"
#define STILL_DRAINING "still Draining"

static int service_read(struct operation *op, struct service *ret, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, ecs_describe_service(op->cluster, SERVICE_NAME), &reply, err);

	*ret = service_parse(reply, settings_get(op->settings, SETTING_STAGE));
	cJSON_Delete(reply);
	return r;
}

/* -- deleted services ------------------------------------------------------------------------------------------ */

static int service_check_gone(struct operation *op, void *arg, struct error *err)
{
	struct service *s = arg;
	int r = service_read(op, s, err);

	if (r < 0 && error_has_code(err, "ClusterNotFoundException"))
		return OPERATION_DONE;
	if (r == 0 && s->state == SERVICE_DRAINING)
		job_progress(op->job, op->step, op->steps, "waiting until the deleted service %s is gone",
			     SERVICE_NAME);
	return r < 0 ? r : s->state == SERVICE_DRAINING ? 0 : OPERATION_DONE;
}

int service_wait_gone(struct operation *op, struct error *err)
{
	struct service s;
	int r = operation_wait(op, GONE_LIMIT_MS, "deleting the service", service_check_gone, &s, err);

	return r < 0 ? r : 0;
}

static bool service_is_missing(const struct error *err)
{
	return error_has_code(err, "ServiceNotFoundException") || error_has_code(err, "ServiceNotActiveException") ||
	       error_has_code(err, "ClusterNotFoundException");
}

int service_delete(struct operation *op, struct error *err)
{
	struct service s;
	int r = service_read(op, &s, err);

	if (r < 0 && service_is_missing(err))
		return 0;
	if (r < 0 || s.state != SERVICE_ACTIVE || !s.ours)
		return r;
	job_log(op->job, "deleting the service %s", SERVICE_NAME);
	r = operation_call(op, ecs_delete_service(op->cluster, SERVICE_NAME), NULL, err);
	return r < 0 && service_is_missing(err) ? 0 : r;
}

/* -- scaling --------------------------------------------------------------------------------------------------- */

int service_close(struct operation *op, const struct service *s, struct error *err)
{
	int r;

	if (!service_is_wanted(s))
		return 0;
	job_log(op->job, "scaling the service %s to 0", SERVICE_NAME);
	r = operation_call(op, ecs_scale_service(op->cluster, SERVICE_NAME, 0), NULL, err);
	return r < 0 && service_is_missing(err) ? 0 : r;
}

int service_narrow(struct operation *op, struct error *err)
{
	return operation_call(op, ecs_scale_service(op->cluster, SERVICE_NAME, 1), NULL, err);
}

/* -- starting -------------------------------------------------------------------------------------------------- */

static int service_make_token(const struct operation *op, unsigned attempt, char out[static TOKEN_SIZE])
{
	char text[256], hex[AWS_SHA256_HEX];
	int len = snprintf(text, sizeof(text), "CreateService %s %u", op->token, attempt);
	int r = aws_sha256_hex(text, (size_t)len, hex);

	if (r == 0)
		snprintf(out, TOKEN_SIZE, "%.*s", TOKEN_SIZE - 1, hex);
	return r;
}

static struct ecs_server service_server(const struct operation *op, const char *token)
{
	return (struct ecs_server){.cluster = op->cluster,
				   .task_definition = operation_output(op, "TaskDefinitionArn"),
				   .subnet = operation_output(op, "PrivateSubnetId"),
				   .security_group = operation_output(op, "ServerSecurityGroupId"),
				   .client_token = token};
}

static int service_create(struct operation *op, const char *after, unsigned attempt, struct error *err)
{
	char token[TOKEN_SIZE];
	struct ecs_server server;
	struct aws_pair tags[] = {{SERVICE_TAG_STAGE, settings_get(op->settings, SETTING_STAGE)},
				  {SERVICE_TAG_AFTER, after}};
	int r = service_make_token(op, attempt, token);

	if (r < 0)
		return r;
	server = service_server(op, token);
	operation_say(op, "creating the service %s", SERVICE_NAME);
	return operation_call(op, ecs_create_service(&server, SERVICE_NAME, tags, ARRAY_SIZE(tags)), NULL, err);
}

/* The tag is written first: tasks that are started from now on are newer than its time. */
static int service_reopen(struct operation *op, const struct service *s, const char *after, struct error *err)
{
	struct ecs_server server = service_server(op, NULL);
	int r = operation_call(op, ecs_tag_resource(s->arn, &(struct aws_pair){SERVICE_TAG_AFTER, after}), NULL, err);

	if (r < 0)
		return r;
	operation_say(op, "scaling the service %s to 1", SERVICE_NAME);
	return operation_call(op, ecs_start_service(&server, SERVICE_NAME), NULL, err);
}

/*
 * 1: another machine created or deleted the service meanwhile, so it must be read again.
 */
static int service_try_open(struct operation *op, const char *after, unsigned attempt, struct error *err)
{
	struct service s;
	int r = service_read(op, &s, err);

	if (r == 0)
		r = service_check_ours(&s, err);
	if (r < 0)
		return r;
	if (s.state == SERVICE_ACTIVE) {
		r = s.desired == 1 ? 0 : service_reopen(op, &s, after, err);
		return r < 0 && service_is_missing(err) ? 1 : r;
	}
	if (s.state == SERVICE_DRAINING)
		r = service_wait_gone(op, err);
	if (r == 0)
		r = service_create(op, after, attempt, err);
	return r < 0 && (strstr(err->message, NOT_IDEMPOTENT) || strstr(err->message, STILL_DRAINING)) ? 1 : r;
}

int service_open(struct operation *op, const struct server_state *s, struct error *err)
{
	char after[AFTER_SIZE];
	int r = 1;

	snprintf(after, sizeof(after), "%.6f", server_list_last_created(s->tasks, SERVICE_NAME));
	for (unsigned attempt = 1; attempt <= CREATE_TRIES && r == 1; attempt++)
		r = service_try_open(op, after, attempt, err);
	if (r < 0)
		remedy_apply(err);
	return r == 1 ? err->errnum : r;
}

/* -- services of others ---------------------------------------------------------------------------------------- */

static bool service_arn_is_ours(const char *arn, const struct service *ours)
{
	return ours->ours && strcmp(arn, ours->arn) == 0;
}

int service_refuse_foreign(struct operation *op, struct error *err)
{
	struct service ours;
	cJSON *reply = NULL;
	const cJSON *arn;
	int r = service_read(op, &ours, err);

	if (r == 0)
		r = operation_call(op, ecs_list_services(op->cluster), &reply, err);
	if (r < 0)
		return error_has_code(err, "ClusterNotFoundException") ? 0 : r;
	cJSON_ArrayForEach (arn, aws_at(reply, "serviceArns")) {
		if (!cJSON_IsString(arn) || service_arn_is_ours(arn->valuestring, &ours))
			continue;
		r = error_set(err, -EBUSY, "the stack's cluster has the ECS service %s, which vastfs did not create",
			      strrchr(arn->valuestring, '/') ? strrchr(arn->valuestring, '/') + 1 : arn->valuestring);
		error_remedy(
			err,
			"delete that service in the ECS console or with: aws ecs delete-service --force --region %s "
			"--cluster %s --service %s, then touch control/destroy again",
			aws_region(op->aws), op->cluster, arn->valuestring);
		break;
	}
	cJSON_Delete(reply);
	return r;
}

/* -- the service's image --------------------------------------------------------------------------------------- */

static int service_read_image(struct operation *op, const char *definition, cJSON *used, struct error *err)
{
	cJSON *reply = NULL;
	const char *image, *at;
	int r = operation_call(op, ecs_describe_task_definition(definition), &reply, err);

	image = aws_text(container_find(aws_at(reply, "taskDefinition.containerDefinitions")), "image");
	at = strchr(image, '@');
	if (r == 0 && at && !cJSON_AddItemToArray(used, cJSON_CreateString(at + 1)))
		r = -ENOMEM;
	cJSON_Delete(reply);
	return r;
}

int service_add_image(struct operation *op, cJSON *used, struct error *err)
{
	struct service s;
	int r = service_read(op, &s, err);

	if (r < 0 || !service_is_wanted(&s))
		return r < 0 && error_has_code(err, "ClusterNotFoundException") ? 0 : r;
	return service_read_image(op, s.definition, used, err);
}
