/*
 * tasks.c - the server's tasks: run, restart, stop.
 */
#include "aws/ec2.h"
#include "aws/ecs.h"
#include "base/clock.h"
#include "stack/operation.h"
#include "stack/remedies.h"

#include <openssl/sha.h>
#include <string.h>

#define CLIENT_TOKEN_SIZE     65
#define STOP_TIMEOUT_MS	      120000 /* the template's stopTimeout */
#define STOP_LIMIT_MS	      (STOP_TIMEOUT_MS + 180000)
#define START_LIMIT_MS	      (15 * 60 * INT64_C(1000))
#define MOUNT_TARGET_YOUNG_MS 180000 /* its name may not resolve before */
#define START_TRIES	      3
#define TASKS_A_CALL	      100

/* -- listing --------------------------------------------------------------------------------------------------- */

static int describe_tasks(struct operation *op, cJSON *arns, cJSON *tasks, struct error *err)
{
	while (cJSON_GetArraySize(arns) > 0) {
		cJSON *some = cJSON_CreateArray(), *reply = NULL, *task;
		int r;

		for (int i = 0; i < TASKS_A_CALL && cJSON_GetArraySize(arns) > 0; i++)
			cJSON_AddItemToArray(some, cJSON_DetachItemFromArray(arns, 0));
		r = operation_call(op, ecs_describe_tasks(op->cluster, some), &reply, err);
		if (r < 0)
			return r;
		while ((task = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "tasks"), 0)))
			cJSON_AddItemToArray(tasks, task);
		cJSON_Delete(reply);
	}
	return 0;
}

int tasks_list(struct operation *op, cJSON **ret_tasks, struct error *err)
{
	cJSON *reply = NULL;
	int r;

	*ret_tasks = cJSON_CreateArray();
	r = operation_call(op, ecs_list_tasks(op->cluster, "RUNNING"), &reply, err);
	if (r < 0)
		return r;
	r = describe_tasks(op, cJSON_GetObjectItem(reply, "taskArns"), *ret_tasks, err);
	cJSON_Delete(reply);
	return r;
}

static bool is_server(const struct operation *op, const cJSON *task)
{
	const char *name = strrchr(aws_text(task, "taskDefinitionArn"), '/'),
		   *family = operation_output(op, "TaskFamily");
	size_t len = strlen(family);

	return name && len && strncmp(name + 1, family, len) == 0 && name[1 + len] == ':';
}

static bool is_live(const cJSON *task)
{
	return strcmp(aws_text(task, "desiredStatus"), "STOPPED") != 0 &&
	       strcmp(aws_text(task, "lastStatus"), "STOPPED") != 0;
}

/* The live servers among tasks, oldest first. */
static cJSON *live_servers(const struct operation *op, const cJSON *tasks)
{
	cJSON *servers = cJSON_CreateArray();
	const cJSON *task;

	cJSON_ArrayForEach (task, tasks) {
		int at = 0;

		if (!is_server(op, task) || !is_live(task))
			continue;
		while (at < cJSON_GetArraySize(servers) &&
		       aws_number(cJSON_GetArrayItem(servers, at), "createdAt", 0) <= aws_number(task, "createdAt", 0))
			at++;
		cJSON_InsertItemInArray(servers, at, cJSON_Duplicate(task, true));
	}
	return servers;
}

static const char *task_id(const cJSON *task)
{
	const char *slash = strrchr(aws_text(task, "taskArn"), '/');

	return slash ? slash + 1 : aws_text(task, "taskArn");
}

/* -- stopping -------------------------------------------------------------------------------------------------- */

static int stop_task(struct operation *op, const char *arn, const char *why, struct error *err)
{
	return operation_call(op, ecs_stop_task(op->cluster, arn, why), NULL, err);
}

/* Until none of the tasks whose ARNs arg holds is on its way any more. */
static int check_stopped(struct operation *op, void *arg, struct error *err)
{
	cJSON *arns = cJSON_Duplicate(arg, true), *tasks = cJSON_CreateArray();
	const cJSON *task;
	int r = describe_tasks(op, arns, tasks, err), left = 0;

	cJSON_ArrayForEach (task, tasks)
		left += strcmp(aws_text(task, "lastStatus"), "STOPPED") != 0;
	cJSON_Delete(arns);
	cJSON_Delete(tasks);
	if (r < 0)
		return r;
	if (left)
		job_progress(op->job, op->step, op->steps, "waiting for %d task%s to stop", left, left == 1 ? "" : "s");
	return left ? 0 : OPERATION_DONE;
}

static int stop_and_wait(struct operation *op, const cJSON *tasks, struct error *err)
{
	cJSON *arns = cJSON_CreateArray();
	const cJSON *task;
	int r = 0;

	cJSON_ArrayForEach (task, tasks) {
		r = stop_task(op, aws_text(task, "taskArn"), "stopped by vastfs", err);
		if (r < 0)
			break;
		job_log(op->job, "stopping task %s", task_id(task));
		cJSON_AddItemToArray(arns, cJSON_CreateString(aws_text(task, "taskArn")));
	}
	op->look(op);
	if (r >= 0 && cJSON_GetArraySize(arns) > 0)
		r = operation_wait(op, STOP_LIMIT_MS, "stopping the tasks", check_stopped, arns, err);
	cJSON_Delete(arns);
	return r < 0 ? r : 0;
}

int tasks_stop_all(struct operation *op, unsigned *ret_n, struct error *err)
{
	cJSON *tasks = NULL;
	int r = tasks_list(op, &tasks, err);

	if (r < 0 && error_has_code(err, "ClusterNotFoundException"))
		r = 0;
	*ret_n = (unsigned)cJSON_GetArraySize(tasks);
	if (r == 0)
		r = stop_and_wait(op, tasks, err);
	cJSON_Delete(tasks);
	return r;
}

/* -- starting -------------------------------------------------------------------------------------------------- */

/* Racing machines that see the same tasks ask with the same token, and so get the same task. */
static void client_token(const struct operation *op, const cJSON *tasks, unsigned attempt, char out[CLIENT_TOKEN_SIZE])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	_buf_ struct buf seen = BUF_INIT(1 << 20);
	const cJSON *task;

	buf_printf(&seen, "%s %s %u", operation_output(op, "ClusterArn"), operation_output(op, "TaskDefinitionArn"),
		   attempt);
	cJSON_ArrayForEach (task, tasks)
		buf_printf(&seen, " %s", aws_text(task, "taskArn"));
	if (strcmp(op->argument, "force") == 0)
		buf_printf(&seen, " %s", op->token);
	SHA256((const unsigned char *)buf_str(&seen), seen.len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Also the stopped ones: a token must not name a task of the past, for ECS would give that one back. */
static int all_tasks_seen(struct operation *op, cJSON **ret, struct error *err)
{
	static const char *const statuses[] = {"RUNNING", "STOPPED"};

	*ret = cJSON_CreateArray();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		cJSON *reply = NULL, *arn;
		int r = operation_call(op, ecs_list_tasks(op->cluster, statuses[i]), &reply, err);

		if (r < 0)
			return r;
		while ((arn = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "taskArns"), 0))) {
			cJSON *task = cJSON_CreateObject();

			cJSON_AddItemToObject(task, "taskArn", arn);
			cJSON_AddItemToArray(*ret, task);
		}
		cJSON_Delete(reply);
	}
	return 0;
}

static int check_free_addresses(struct operation *op, struct error *err)
{
	const char *subnet = operation_output(op, "PrivateSubnetId");
	cJSON *reply = NULL;
	int r = operation_call(op, ec2_describe_subnet(subnet), &reply, err);
	double n = aws_number(reply, "subnetSet.0.availableIpAddressCount", 1);

	cJSON_Delete(reply);
	if (r < 0)
		return r;
	if (n >= 1)
		return 0;
	error_set(err, -EIO, "subnet %s has no free address for another task", subnet);
	error_remedy(err, "stop tasks (control/stop-all-tasks), or destroy and deploy with a larger subnet_cidr");
	return err->errnum;
}

static int run_once(struct operation *op, unsigned attempt, char **ret_arn, struct error *err)
{
	struct ecs_run_task run = {.cluster = op->cluster,
				   .task_definition = operation_output(op, "TaskDefinitionArn"),
				   .subnet = operation_output(op, "PrivateSubnetId"),
				   .security_group = operation_output(op, "ServerSecurityGroupId"),
				   .stage = settings_get(op->settings, SETTING_STAGE)};
	char token[CLIENT_TOKEN_SIZE];
	cJSON *seen = NULL, *reply = NULL;
	int r = all_tasks_seen(op, &seen, err);

	if (r < 0) {
		cJSON_Delete(seen);
		return r;
	}
	client_token(op, seen, attempt, token);
	cJSON_Delete(seen);
	run.client_token = token;
	r = operation_call(op, ecs_run_task(&run), &reply, err);
	if (r < 0)
		return r;
	*ret_arn = strdup(aws_text(reply, "tasks.0.taskArn"));
	if (!**ret_arn)
		r = error_set(err, -EIO, "ECS started no task: %s %s", aws_text(reply, "failures.0.reason"),
			      aws_text(reply, "failures.0.detail"));
	remedy_apply(err);
	cJSON_Delete(reply);
	return r;
}

struct start {
	char *arn;
	char reason[512]; /* why it stopped, "" while it has not */
};

static int check_running(struct operation *op, void *arg, struct error *err)
{
	struct start *start = arg;
	cJSON *arns = cJSON_CreateArray(), *tasks = cJSON_CreateArray();
	const cJSON *task;
	char status[32];
	int r;

	cJSON_AddItemToArray(arns, cJSON_CreateString(start->arn));
	r = describe_tasks(op, arns, tasks, err);
	task = cJSON_GetArrayItem(tasks, 0);
	snprintf(status, sizeof(status), "%s", aws_text(task, "lastStatus"));
	if (strcmp(status, "STOPPED") == 0) {
		const char *why = aws_text(task, "containers.0.reason");

		snprintf(start->reason, sizeof(start->reason), "%s%s%s", aws_text(task, "stoppedReason"),
			 *why ? ": " : "", why);
	}
	cJSON_Delete(arns);
	cJSON_Delete(tasks);
	if (r < 0)
		return r;
	job_progress(op->job, op->step, op->steps, "the task is %s", *status ? status : "not listed yet");
	op->look(op);
	return strcmp(status, "RUNNING") == 0 || strcmp(status, "STOPPED") == 0 ? OPERATION_DONE : 0;
}

static bool is_mount_trouble(const char *reason)
{
	return strstr(reason, "ResourceInitializationError") &&
	       (strstr(reason, "EFS") || strstr(reason, "efs") || strstr(reason, "resolve"));
}

/* The mount target's name may not resolve yet: worth another try while it is young. */
static bool may_be_too_early(struct operation *op, const char *reason)
{
	struct error ignored = {0};
	cJSON *resources = NULL;
	const cJSON *item;
	int64_t made = 0;

	if (!is_mount_trouble(reason) || operation_read_resources(op, &resources, &ignored) < 0)
		return false;
	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "LogicalResourceId"), "MountTarget") == 0)
			made = clock_parse(aws_text(item, "Timestamp"));
	cJSON_Delete(resources);
	return made > 0 && clock_wall_ms() - made < MOUNT_TARGET_YOUNG_MS;
}

static bool is_capacity(const struct error *err)
{
	return strstr(err->message, "Capacity is unavailable") || error_has_code(err, "ThrottlingException");
}

static int stopped_early(const struct start *start, struct error *err)
{
	error_set(err, -EIO, "the server stopped before it ran: %s", start->reason);
	remedy_apply(err);
	if (!*err->remedy)
		error_remedy(err, "see tasks/%s/task.log and stopped_reason", strrchr(start->arn, '/') + 1);
	return err->errnum;
}

/* One task until it runs. 1: worth another try. */
static int try_start(struct operation *op, unsigned attempt, char **ret_arn, struct error *err)
{
	struct start start = {0};
	int r = run_once(op, attempt, &start.arn, err);

	if (r == 0) {
		operation_say(op, "started task %s", strrchr(start.arn, '/') ? strrchr(start.arn, '/') + 1 : start.arn);
		r = operation_wait(op, START_LIMIT_MS, "starting the server", check_running, &start, err);
	} else if (is_capacity(err)) {
		r = 1;
	}
	if (r == OPERATION_DONE && start.arn && *start.reason) {
		r = stopped_early(&start, err);
		if (may_be_too_early(op, start.reason))
			r = 1;
	} else if (r == OPERATION_DONE && start.arn) {
		*ret_arn = move_ptr(start.arn);
		r = 0;
	}
	free(start.arn);
	return r;
}

/* Two machines may have started one each at the same moment: the later one goes. */
static int stop_surplus(struct operation *op, const char *mine, struct error *err)
{
	cJSON *tasks = NULL, *servers;
	int r = tasks_list(op, &tasks, err);
	const char *oldest;

	servers = live_servers(op, tasks);
	cJSON_Delete(tasks);
	oldest = aws_text(servers, "0.taskArn");
	if (r == 0 && op->settings->efs && *oldest && strcmp(oldest, mine) != 0) {
		operation_say(op, "another server, %s, was started at the same time: stopping this one", oldest);
		stop_task(op, mine, "another server was started first", err);
		r = error_set(err, -EEXIST, "another server runs already: %s", oldest);
	}
	cJSON_Delete(servers);
	return r;
}

static int start_server(struct operation *op, struct error *err)
{
	_free_ char *arn = NULL;
	int r;

	r = check_free_addresses(op, err);
	if (r < 0)
		return r;
	for (unsigned attempt = 1;; attempt++) {
		r = try_start(op, attempt, &arn, err);
		if (r != 1)
			break;
		if (attempt == START_TRIES)
			return err->errnum;
		operation_say(op, "trying again: %s", err->message);
		r = operation_sleep(op, 5000);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = stop_surplus(op, arn, err);
	if (r < 0)
		return r;
	op->look(op);
	buf_printf(&op->result, "server %s is running\n", strrchr(arn, '/') + 1);
	return 0;
}

/* -- the operations -------------------------------------------------------------------------------------------- */

static int require_stack(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r < 0)
		return r;
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	if (op->stack && *op->cluster && *operation_output(op, "TaskDefinitionArn"))
		return 0;
	error_set(err, -ENXIO, "the stack %s is not deployed%s%s", op->name, op->stack ? ": " : "",
		  operation_status(op));
	error_remedy(err, "touch control/deploy");
	return err->errnum;
}

static int refuse_second(struct operation *op, struct error *err)
{
	cJSON *tasks = NULL, *servers;
	int r = tasks_list(op, &tasks, err);

	servers = live_servers(op, tasks);
	cJSON_Delete(tasks);
	if (r == 0 && cJSON_GetArraySize(servers) > 0 && strcmp(op->argument, "force") != 0) {
		error_set(err, -EEXIST, "a server runs already: task %s is %s", task_id(servers->child),
			  aws_text(servers->child, "lastStatus"));
		error_remedy(err, "touch control/restart-task to replace it");
		r = err->errnum;
	}
	cJSON_Delete(servers);
	return r;
}

static const struct operation_step run_steps[] = {
	{"looking at the stack", require_stack},
	{"looking for a running server", refuse_second},
	{"starting a server", start_server},
};

int operation_run_task(struct operation *op, struct error *err)
{
	return operation_run_steps(op, run_steps, ARRAY_SIZE(run_steps), err);
}

/* What is wrong with the new server must show before the old one is stopped. */
static int check_startable(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, ecs_describe_task_definition(operation_output(op, "TaskDefinitionArn")), &reply,
			       err);

	if (r == 0 && strcmp(aws_text(reply, "taskDefinition.status"), "ACTIVE") != 0) {
		r = error_set(err, -EIO, "the task definition is %s", aws_text(reply, "taskDefinition.status"));
		error_remedy(err, "touch control/deploy");
	}
	cJSON_Delete(reply);
	return r;
}

/* Servers that were started by force beside the default one are left alone. */
static void keep_default_only(const struct operation *op, cJSON *servers)
{
	cJSON *chosen = NULL, *task;
	int at = 0;

	cJSON_ArrayForEach (task, servers) {
		if (strcmp(task_id(task), op->default_task) == 0) {
			chosen = cJSON_DetachItemFromArray(servers, at);
			break;
		}
		at++;
	}
	if (!chosen)
		return;
	while (cJSON_GetArraySize(servers) > 0)
		cJSON_DeleteItemFromArray(servers, 0);
	cJSON_AddItemToArray(servers, chosen);
}

static int stop_servers(struct operation *op, struct error *err)
{
	cJSON *tasks = NULL, *servers;
	int r = tasks_list(op, &tasks, err);

	servers = live_servers(op, tasks);
	cJSON_Delete(tasks);
	keep_default_only(op, servers);
	if (r == 0)
		r = stop_and_wait(op, servers, err);
	cJSON_Delete(servers);
	return r;
}

static int start_again(struct operation *op, struct error *err)
{
	int r = start_server(op, err);

	if (r < 0 && r != -EEXIST)
		error_prefix(err, "no server is running now");
	return r;
}

static const struct operation_step restart_steps[] = {
	{"looking at the stack", require_stack},
	{"checking the task definition", check_startable},
	{"stopping the server", stop_servers},
	{"starting a server", start_again},
};

int operation_restart_task(struct operation *op, struct error *err)
{
	return operation_run_steps(op, restart_steps, ARRAY_SIZE(restart_steps), err);
}

static int stop_all(struct operation *op, struct error *err)
{
	unsigned n = 0;
	int r = tasks_stop_all(op, &n, err);

	if (r < 0)
		return r;
	buf_printf(&op->result,
		   "%u task%s stopped\nthe NAT gateway and the storage are billed on; "
		   "touch control/destroy removes the stack and keeps the database\n",
		   n, n == 1 ? "" : "s");
	return 0;
}

static const struct operation_step stop_steps[] = {
	{"looking at the stack", require_stack},
	{"stopping all tasks", stop_all},
};

int operation_stop_all_tasks(struct operation *op, struct error *err)
{
	return operation_run_steps(op, stop_steps, ARRAY_SIZE(stop_steps), err);
}
