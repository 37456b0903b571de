/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/tree.h"

#include "fs/file.h"
#include "fs/fs.h"
#include "fs/names.h"
#include "fs/render.h"
#include "jobs/job.h"
#include "model/model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIRECTORY(pattern, when, caching, text)                                                                 \
	{                                                                                                       \
		.path = pattern, .type = ROW_DIR, .mode = 0755, .changed = when, .cache = caching, .help = text \
	}
#define ENTRY(pattern, text)                                                                                  \
	{                                                                                                     \
		.path = pattern, .type = ROW_DIR, .mode = 0755, .changed = changed_job, .cache = CACHE_NEVER, \
		.flags = ROW_HISTORY, .help = text                                                            \
	}
#define VALUE(pattern, how, which, when, caching, text)                                                             \
	{                                                                                                           \
		.path = pattern, .type = ROW_FILE, .mode = 0444, .class = &class_text, .render = how, .arg = which, \
		.changed = when, .cache = caching, .help = text                                                     \
	}
#define ACTION(pattern, kind, how, text)                                                        \
	{                                                                                       \
		.path = pattern, .type = ROW_FILE, .mode = 0644, .class = &kind, .render = how, \
		.changed = changed_mount, .cache = CACHE_NEVER, .help = text                    \
	}
#define LOG(pattern, kind, text)                                                                         \
	{                                                                                                \
		.path = pattern, .type = ROW_FILE, .mode = 0444, .class = &kind, .changed = changed_log, \
		.cache = CACHE_NEVER, .help = text                                                       \
	}
#define WAITING(pattern, which, flag, text)                                                          \
	{                                                                                            \
		.path = pattern, .type = ROW_FILE, .mode = 0444, .class = &class_wait, .arg = which, \
		.changed = changed_job, .cache = CACHE_NEVER, .flags = flag, .help = text            \
	}
#define OF_JOB(pattern, how, flag, text)                                                              \
	{                                                                                             \
		.path = pattern, .type = ROW_FILE, .mode = 0444, .class = &class_text, .render = how, \
		.changed = changed_job, .cache = CACHE_NEVER, .flags = flag, .help = text             \
	}
#define OF_STACK(name, text) \
	VALUE("stack/" #name, render_stack_text, offsetof(struct stack_view, name), changed_stack, CACHE_CLOUD, text)
#define OF_RESOURCE(name, text)                                                                                 \
	VALUE("stack/resources/{resource}/" #name, render_resource_text, offsetof(struct stack_resource, name), \
	      changed_stack, CACHE_CLOUD, text)
#define OF_TASK(name, text) \
	VALUE("tasks/{task}/" #name, render_task_text, offsetof(struct task, name), changed_task, CACHE_CLOUD, text)
#define OF_VPC(name, file, text)                                                                                \
	VALUE("discover/vpcs/{vpc}/" file, render_vpc_text, offsetof(struct discovered_vpc, name), changed_vpc, \
	      CACHE_CLOUD, text)
#define VERB(name)	 ACTION("control/" name, class_control, render_control, "for details: cat control/" name)
#define STACK_VERB(name) ACTION("stack/" name, class_control, render_control, "for details: cat stack/" name)

/*
 * The files that lambda/ (for the last query), lambda/history/{query}/ and their counterparts in tasks/{task}/exec/
 * have in common.
 */
#define COMMAND_FILES(dir, flag)                                                                                       \
	WAITING(dir "result", WAIT_RESULT, flag,                                                                       \
		"waits for the command to end, then contains its output, byte for byte"),                              \
		WAITING(dir "stderr", WAIT_NOT_STDERR, flag, "what the command has printed to standard error so far"), \
		WAITING(dir "exit_code", WAIT_EXIT_CODE, flag,                                                         \
			"waits for the command to end, then contains its exit status"),                                \
		OF_JOB(dir "state", render_job_state, flag | ROW_STATE,                                                \
		       "queued, running, succeeded, failed or cancelled"),                                             \
		OF_JOB(dir "error", render_job_error, flag, "why the command could not be run, or a warning"),         \
		OF_JOB(dir "progress", render_job_progress, flag, "one line: bar, step, elapsed time"),                \
		OF_JOB(dir "duration", render_job_duration, flag, "how long the command ran, in milliseconds"),        \
	{                                                                                                              \
		.path = dir "cancel", .type = ROW_FILE, .mode = 0644, .class = &class_cancel, .render = render_cancel, \
		.changed = changed_mount, .cache = CACHE_NEVER, .flags = flag, .help = "touch to cancel the command"   \
	}
/* The files that import/ (for the last import) and import/history/{import}/ have in common. */
#define IMPORT_FILES(dir, flag)                                                                                \
	WAITING(dir "result", WAIT_RESULT, flag,                                                               \
		"waits for the import to end, then counts events, delivered, rejected, possible duplicates"),  \
		WAITING(dir "exit_code", WAIT_EXIT_CODE, flag,                                                 \
			"waits for the import to end, then contains 0 or the exit status of import_command"),  \
		OF_JOB(dir "state", render_job_state, flag | ROW_STATE,                                        \
		       "queued, running, succeeded, failed or cancelled"),                                     \
		OF_JOB(dir "error", render_job_error, flag, "the first failure of the import"),                \
		OF_JOB(dir "progress", render_job_progress, flag,                                              \
		       "one line: events in, delivered, waiting, rate, time left"),                            \
		{.path = dir "import.log",                                                                     \
		 .type = ROW_FILE,                                                                             \
		 .mode = 0444,                                                                                 \
		 .class = &class_log,                                                                          \
		 .changed = changed_log,                                                                       \
		 .cache = CACHE_NEVER,                                                                         \
		 .flags = flag,                                                                                \
		 .help = "each batch, and what import_command printed to standard error"},                     \
	{                                                                                                      \
		.path = dir "cancel", .type = ROW_FILE, .mode = 0644, .class = &class_cancel,                  \
		.render = render_import_cancel, .changed = changed_mount, .cache = CACHE_NEVER, .flags = flag, \
		.help = "touch to cancel the import"                                                           \
	}
#define QUERY_FILES(dir, flag) \
	COMMAND_FILES(dir, flag), OF_JOB(dir "request_id", render_job_request_id, flag, "the request ID of AWS")

const struct row tree_rows[] = {
	DIRECTORY("", NULL, CACHE_ALWAYS, "the stack as a directory"),
	{.path = "README",
	 .type = ROW_FILE,
	 .mode = 0444,
	 .class = &class_text,
	 .render = render_readme,
	 .cache = CACHE_ALWAYS,
	 .help = "how to use the tree, and what its files are"},
	VALUE("overview.html", render_picture, FS_OVERVIEW_HTML, changed_picture, CACHE_NEVER,
	      "one page for a browser that shows everything and refreshes itself"),
	VALUE("status.svg", render_picture, FS_STATUS_SVG, changed_picture, CACHE_NEVER,
	      "status as a traffic light with figures, for file managers and browsers"),
	VALUE("whoami", render_whoami, 0, changed_whoami, CACHE_NEVER,
	      "the AWS identity in use, the source of its credentials and their expiry, as JSON"),
	VALUE("status", render_status, 0, changed_status, CACHE_NEVER,
	      "the most important facts, one key and value per line"),
	{.path = "error",
	 .type = ROW_FILE,
	 .mode = 0644,
	 .class = &class_errors,
	 .render = render_errors,
	 .changed = changed_errors,
	 .cache = CACHE_NEVER,
	 .help = "the last 16 failures of each user, with reason and remedy; a write or : > error clears it"},
	LOG("events.log", class_log, "every change that vastfs saw or made; tail -f works"),
	LOG("api.log", class_log, "every call to AWS, without secrets"),

	DIRECTORY("config", NULL, CACHE_NEVER, "the settings; editors can create temporary files here"),
	{.path = "config/default.env",
	 .type = ROW_FILE,
	 .mode = 0644,
	 .class = &class_settings,
	 .render = render_settings,
	 .changed = changed_settings,
	 .cache = CACHE_NEVER,
	 .help = "key=value lines, checked line by line and saved when the file is closed"},
	{.path = "config/{file}",
	 .type = ROW_FILE,
	 .mode = 0644,
	 .class = &class_memory,
	 .render = render_memory,
	 .changed = changed_memory,
	 .cache = CACHE_NEVER,
	 .flags = ROW_UNLISTED,
	 .help = "temporary files, in memory only; rename one to default.env to use it"},

	DIRECTORY("control", NULL, CACHE_ALWAYS, "touch a file, or write to it, to act"),
	VERB("deploy"),
	VERB("destroy"),
	VERB("run-task"),
	VERB("restart-task"),
	VERB("stop-all-tasks"),
	VERB("refresh"),
	VERB("login"),
	VERB("logout"),
	VERB("cancel"),

	DIRECTORY("operations", changed_operations, CACHE_NEVER,
		  "the operations that control/ and stack/ started, one directory each"),
	{.path = "operations/latest",
	 .type = ROW_LINK,
	 .mode = 0777,
	 .render = render_latest,
	 .changed = changed_operations,
	 .cache = CACHE_NEVER,
	 .help = "the newest operation"},
	DIRECTORY("operations/{operation}", changed_job, CACHE_NEVER, "one operation"),
	OF_JOB("operations/{operation}/name", render_job_name, 0,
	       "deploy, destroy, ...; external: started by somebody else"),
	OF_JOB("operations/{operation}/state", render_job_state, ROW_STATE,
	       "queued, running, succeeded, failed, cancelled; unknown: this mount does not resume it, see error"),
	OF_JOB("operations/{operation}/progress", render_job_progress, 0,
	       "one line: bar, done/total, step, elapsed time"),
	WAITING("operations/{operation}/result", WAIT_RESULT, 0,
		"waits for the operation to end, then contains its result"),
	OF_JOB("operations/{operation}/error", render_job_error, 0, "why the operation failed"),
	WAITING("operations/{operation}/exit_code", WAIT_EXIT_CODE, 0,
		"waits for the operation to end, then contains 0 or 1"),
	OF_JOB("operations/{operation}/started", render_job_started, 0, "when the operation started"),
	OF_JOB("operations/{operation}/elapsed", render_job_elapsed, 0,
	       "how long the operation has been running, or ran"),
	{.path = "operations/{operation}/operation.log",
	 .type = ROW_FILE,
	 .mode = 0444,
	 .class = &class_log,
	 .changed = changed_log,
	 .cache = CACHE_NEVER,
	 .flags = ROW_LIVE,
	 .help = "the log of the operation; tail -f works"},

	DIRECTORY("stack", changed_stack, CACHE_CLOUD, "the stack in CloudFormation"),
	OF_STACK(status, "the status of the stack, for instance CREATE_COMPLETE"),
	OF_STACK(status_reason, "AWS's reason for the status"),
	OF_STACK(stack_id, "the ARN of the stack"),
	VALUE("stack/template.json", render_template, 0, NULL, CACHE_ALWAYS, "the template that deploy uses"),
	VALUE("stack/plan", render_plan, 0, changed_plan, CACHE_NEVER,
	      "the changes that deploy would make now, and the monthly cost"),
	STACK_VERB("replan"),
	VALUE("stack/drift", render_drift, 0, changed_drift, CACHE_NEVER,
	      "differences between the resources in AWS and the template"),
	STACK_VERB("drift-check"),
	VALUE("stack/stack.json", render_stack_json, offsetof(struct stack_view, json), changed_stack, CACHE_CLOUD,
	      "the complete reply of AWS, as JSON"),
	VALUE("stack/diagram.svg", render_picture, FS_DIAGRAM_SVG, changed_picture, CACHE_NEVER,
	      "a diagram of the stack with states and IDs; missing parts are dashed"),
	LOG("stack/server.log", class_log, "the output of the servers"),
	DIRECTORY("stack/parameters", changed_stack, CACHE_CLOUD, "the parameters with which the stack was deployed"),
	VALUE("stack/parameters/{parameter}", render_pair, 0, changed_stack, CACHE_CLOUD, "one parameter"),
	DIRECTORY("stack/outputs", changed_stack, CACHE_CLOUD, "the outputs of the stack"),
	VALUE("stack/outputs/{output}", render_pair, 0, changed_stack, CACHE_CLOUD, "one output"),
	DIRECTORY("stack/resources", changed_stack, CACHE_CLOUD, "the resources of the stack"),
	DIRECTORY("stack/resources/{resource}", changed_stack, CACHE_CLOUD, "one resource"),
	OF_RESOURCE(type, "the type of the resource, for instance AWS::EC2::Subnet"),
	OF_RESOURCE(physical_id, "the name or ID of the resource in AWS"),
	OF_RESOURCE(status, "the status of the resource, for instance CREATE_COMPLETE"),
	OF_RESOURCE(status_reason, "AWS's reason for the status"),
	OF_RESOURCE(updated, "when the status last changed"),

	DIRECTORY("tasks", changed_tasks, CACHE_CLOUD, "the Fargate tasks, including those that vastfs did not start"),
	{.path = "tasks/default",
	 .type = ROW_LINK,
	 .mode = 0777,
	 .render = render_default_task,
	 .changed = changed_tasks,
	 .cache = CACHE_NEVER,
	 .help = "the server to which queries are sent; ln -sfn ID tasks/default selects another one, rm selects the "
		 "newest"},
	{.path = "tasks/{link}",
	 .type = ROW_LINK,
	 .mode = 0777,
	 .render = render_stray,
	 .cache = CACHE_NEVER,
	 .flags = ROW_UNLISTED,
	 .help = "temporary links, which ln -sfn renames to default"},
	DIRECTORY("tasks/{task}", changed_task, CACHE_CLOUD, "one task"),
	OF_TASK(status, "PROVISIONING, PENDING, RUNNING, ... STOPPED"),
	OF_TASK(desired_status, "the status that ECS aims at: RUNNING or STOPPED"),
	{.path = "tasks/{task}/health",
	 .type = ROW_FILE,
	 .mode = 0444,
	 .class = &class_text,
	 .render = render_health,
	 .changed = changed_health,
	 .cache = CACHE_NEVER,
	 .flags = ROW_LIVE,
	 .help = "HEALTHY or UNHEALTHY: whether the port of the server answered the last check; UNKNOWN before"},
	OF_TASK(private_ip, "the address of the task in the VPC"),
	OF_TASK(endpoint, "address:port of the server"),
	OF_TASK(image, "the container image of the server"),
	OF_TASK(cpu, "CPU units; 1024 are one vCPU"),
	OF_TASK(memory, "memory in MiB"),
	OF_TASK(created, "when the task was requested"),
	OF_TASK(started, "when the task started to run"),
	OF_TASK(stopped_reason, "why the task ended"),
	OF_TASK(exit_code, "the exit status of the server"),
	VALUE("tasks/{task}/task.json", render_task_json, offsetof(struct task, json), changed_task, CACHE_CLOUD,
	      "the complete reply of AWS, as JSON"),
	LOG("tasks/{task}/task.log", class_log, "the output of the task"),
	ACTION("tasks/{task}/stop", class_stop, render_stop, "touch to stop the task"),
	ACTION("tasks/{task}/check", class_check, render_check,
	       "touch to check whether the port of the server answers; the result is in health"),
	DIRECTORY("tasks/{task}/exec", changed_execs, CACHE_NEVER,
		  "commands that run in the container; these files describe the last one"),
	ACTION("tasks/{task}/exec/query", class_query, render_job_query, "write a command, then read result"),
	COMMAND_FILES("tasks/{task}/exec/", ROW_LAST_QUERY),
	DIRECTORY("tasks/{task}/exec/history", changed_execs, CACHE_NEVER,
		  "the last commands (history_keep), one directory each"),
	ENTRY("tasks/{task}/exec/history/{exec}", "one command; rmdir or rm -rf removes it from the history"),
	OF_JOB("tasks/{task}/exec/history/{exec}/query", render_job_query, 0, "the command"),
	COMMAND_FILES("tasks/{task}/exec/history/{exec}/", 0),

	DIRECTORY("lambda", NULL, CACHE_ALWAYS,
		  "commands that run in Lambda, in the VPC of the server; these files describe the last one"),
	ACTION("lambda/query", class_query, render_job_query, "write a command, then read result"),
	QUERY_FILES("lambda/", ROW_LAST_QUERY),
	VALUE("lambda/function.json", render_stack_json, offsetof(struct stack_view, function_json), changed_stack,
	      CACHE_CLOUD, "the complete reply of AWS about the function, as JSON"),
	DIRECTORY("lambda/history", changed_queries, CACHE_NEVER,
		  "the last queries (history_keep), one directory each"),
	ENTRY("lambda/history/{query}", "one query; rmdir or rm -rf removes it from the history"),
	OF_JOB("lambda/history/{query}/query", render_job_query, 0, "the command"),
	QUERY_FILES("lambda/history/{query}/", 0),
	LOG("lambda/history/{query}/lambda.log", class_log, "the log of Lambda for this query"),

	DIRECTORY("import", NULL, CACHE_ALWAYS, "events for the server; these files describe the last import"),
	IMPORT_FILES("import/", ROW_LAST_IMPORT),
	DIRECTORY("import/history", changed_imports, CACHE_NEVER,
		  "the last imports, and all imports with rejected events, one directory each"),
	ENTRY("import/history/{import}", "one import; rmdir or rm -rf removes it and deletes its rejected events"),
	OF_JOB("import/history/{import}/format", render_job_format, 0, "the format of the import"),
	IMPORT_FILES("import/history/{import}/", 0),
	{.path = "import/history/{import}/rejected",
	 .type = ROW_FILE,
	 .mode = 0444,
	 .class = &class_rejected,
	 .changed = changed_job,
	 .cache = CACHE_NEVER,
	 .help = "the rejected events, which can be imported again"},
	ACTION("import/history/{import}/retry", class_retry, render_retry, "touch to send the rejected events again"),
	{.path = "import/{format}",
	 .type = ROW_FILE,
	 .mode = 0644,
	 .class = &class_import,
	 .render = render_format,
	 .changed = changed_mount,
	 .cache = CACHE_NEVER,
	 .flags = ROW_OWN_NODE,
	 .help = "write events of this format to import them; every name that matches [a-z0-9][a-z0-9_.-]* is a "
		 "format"},

	DIRECTORY("discover", changed_discovery, CACHE_CLOUD,
		  "the choices for default.env; read from AWS once, and again by control/refresh"),
	VALUE("discover/status", render_discovery_status, 0, changed_discovery_status, CACHE_CLOUD,
	      "reading, ready or failed; the missing parts, and the permissions that they need"),
	VALUE("discover/suggested.env", render_suggestion, 0, changed_suggestion, CACHE_NEVER,
	      "a complete default.env for this account, with the reasons as comments"),
	DIRECTORY("discover/vpcs", changed_discovery, CACHE_CLOUD, "the VPCs of the region"),
	DIRECTORY("discover/vpcs/{vpc}", changed_vpc, CACHE_CLOUD, "one VPC"),
	OF_VPC(name, "name", "the tag Name of the VPC"),
	OF_VPC(fits, "fits", "yes, no or unknown: whether the stack can be deployed into the VPC"),
	OF_VPC(reasons, "reasons", "the obstacles with remedies, and the checks that were not made; one line each"),
	OF_VPC(cidr, "cidr", "the IPv4 blocks of the VPC"),
	OF_VPC(free_cidrs, "free_cidrs", "the free blocks of /24 to /27 for subnet_cidr, at most 256"),
	OF_VPC(subnets, "subnets", "the subnets, one per line: ID, block, zone, free addresses, name"),
	OF_VPC(peerings, "peerings", "the peerings, one per line: ID, status, peered VPC, its blocks"),
	OF_VPC(internet_gateway, "internet_gateway", "the ID of the attached Internet gateway; empty if there is none"),
	OF_VPC(is_default, "default", "yes or no: whether it is the default VPC of the region"),
	OF_VPC(owner, "owner", "the account that owns the VPC"),
	OF_VPC(tenancy, "tenancy", "the tenancy of instances: default or dedicated"),
	OF_VPC(dns_support, "dns_support", "yes or no: whether DNS resolution is on"),
	OF_VPC(dns_hostnames, "dns_hostnames",
	       "yes or no: whether DNS host names are on, which vast_storage=efs needs"),
	OF_VPC(dns_servers, "dns_servers", "the DNS servers in the DHCP options of the VPC"),
	OF_VPC(block_public_access, "block_public_access",
	       "off, block-ingress or block-bidirectional; or the exclusion, allow-egress or allow-bidirectional"),
};

const size_t tree_rows_n = ARRAY_SIZE(tree_rows);

/* Properties that follow from a pattern. They are computed once. */
static struct {
	const struct row *parent;
	const char *name;
	const struct lister *lister;
	bool dynamic;
} facts[ARRAY_SIZE(tree_rows)];

static const struct row *tree_find_pattern(const char *path, size_t len)
{
	for (size_t i = 0; i < tree_rows_n; i++)
		if (strncmp(tree_rows[i].path, path, len) == 0 && !tree_rows[i].path[len])
			return &tree_rows[i];
	return NULL;
}

const struct row *tree_find(const char *path)
{
	return tree_find_pattern(path, strlen(path));
}

static const struct row *tree_find_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return tree_find_pattern(path, slash ? (size_t)(slash - path) : 0);
}

static const struct lister *tree_find_lister(const char *path)
{
	const char *open = strrchr(path, '{');

	return open ? names_lister(open + 1, strcspn(open + 1, "}")) : NULL;
}

void tree_init(void)
{
	for (size_t i = 0; i < tree_rows_n; i++) {
		const char *path = tree_rows[i].path, *slash = strrchr(path, '/');

		facts[i].parent = tree_find_parent(path);
		facts[i].name = slash ? slash + 1 : path;
		facts[i].lister = tree_find_lister(path);
		facts[i].dynamic = facts[i].name[0] == '{';
		if (!facts[i].parent || (strchr(path, '{') && !facts[i].lister))
			abort(); /* the table has a typing error */
	}
}

size_t tree_index(const struct row *row)
{
	return (size_t)(row - tree_rows);
}

const struct row *tree_parent(const struct row *row)
{
	return facts[tree_index(row)].parent;
}

const char *tree_name(const struct row *row)
{
	return facts[tree_index(row)].name;
}

const struct lister *tree_lister(const struct row *row)
{
	return facts[tree_index(row)].lister;
}

bool tree_is_dynamic(const struct row *row)
{
	return facts[tree_index(row)].dynamic;
}

const struct row *tree_next_child(const struct row *dir, const struct row *row)
{
	for (size_t i = row ? tree_index(row) + 1 : 1; i < tree_rows_n; i++)
		if (facts[i].parent == dir)
			return &tree_rows[i];
	return NULL;
}

const struct row *tree_child(const struct row *dir, const char *name)
{
	for (const struct row *r = NULL; (r = tree_next_child(dir, r));)
		if (!tree_is_dynamic(r) && strcmp(tree_name(r), name) == 0)
			return r;
	return NULL;
}

int tree_child_key(const struct row *child, const char *dir_key, const char *name, char key[static TREE_KEY_MAX])
{
	int n;

	if (!tree_is_dynamic(child))
		n = snprintf(key, TREE_KEY_MAX, "%s", dir_key);
	else
		n = snprintf(key, TREE_KEY_MAX, "%s%s%s", dir_key, *dir_key ? "/" : "", name);
	return n < TREE_KEY_MAX ? 0 : -ENAMETOOLONG;
}

void tree_parent_key(const struct row *row, const char *key, char parent_key[static TREE_KEY_MAX])
{
	char *slash;

	snprintf(parent_key, TREE_KEY_MAX, "%s", key);
	if (!tree_is_dynamic(row))
		return;
	slash = strrchr(parent_key, '/');
	*(slash ? slash : parent_key) = '\0';
}

int tree_path(const struct row *row, const char *key, struct buf *out)
{
	const char *pattern = row->path, *open;

	while ((open = strchr(pattern, '{'))) {
		size_t len = strcspn(key, "/");

		buf_append(out, pattern, (size_t)(open - pattern));
		buf_append(out, key, len);
		key += len + (key[len] == '/');
		pattern = strchr(open, '}') + 1;
	}
	buf_puts(out, pattern);
	return out->error;
}
