/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * picture-show - draws every picture in every situation that the tests look at, from snapshots made by hand:
 *
 *	picture-show DIRECTORY
 *
 * makes DIRECTORY/<situation>/status.svg, diagram.svg and overview.html.
 */
#include "base/clock.h"
#include "base/error.h"
#include "fs/picture/picture.h"
#include "model/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_TASK "3f9c1d2e4b5a69788796a5b4c3d2e1f0"
#define MINUTE_MS  60000

/* Markup that would run, end an attribute or make the document malformed, if it were not escaped. */
#define HOSTILE                                                                    \
	"</title></text></svg></script><script>document.title='injected'</script>" \
	"<img src=x onerror=\"document.title='injected'\">\"'><b>&amp;]]>\x01\x1b[31m\xef\xbf\xbf\xe2\x80\xae"

struct situation {
	struct picture picture;
	struct snapshot *snapshot;
};

/* -- what AWS says ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *logical_id, *type, *physical_id;
} resources[] = {
	{"PublicSubnet", "AWS::EC2::Subnet", "subnet-0a1b2c3d4e5f60718"},
	{"PrivateSubnet", "AWS::EC2::Subnet", "subnet-0f1e2d3c4b5a69788"},
	{"NatAddress", "AWS::EC2::EIP", "52.57.20.140"},
	{"NatGateway", "AWS::EC2::NatGateway", "nat-0123456789abcdef0"},
	{"Cluster", "AWS::ECS::Cluster", "vast-default-Cluster-9QmZ2kXbT1vR"},
	{"TaskDefinition", "AWS::ECS::TaskDefinition",
	 "arn:aws:ecs:eu-central-1:123456789012:task-definition/vast-default:7"},
	{"MountTarget", "AWS::EFS::MountTarget", "fsmt-0aa1bb2cc3dd4ee5f"},
	{"AccessPoint", "AWS::EFS::AccessPoint", "fsap-0aa1bb2cc3dd4ee5f"},
	{"Function", "AWS::Lambda::Function", "vast-default-Function-Hw3kP0aZ9sQx"},
};

static const char *const parameters[][2] = {
	{"VpcId", "vpc-0123456789abcdef0"},
	{"PublicCidr", "172.31.64.16/28"},
	{"PrivateCidr", "172.31.64.0/28"},
	{"Storage", "efs"},
	{"FileSystemId", "fs-0fedcba9876543210"},
	{"ImageUri", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/vast-default@sha256:5d1c0ffee5d1c0ffee"},
};

static cJSON *make_pairs(const char *key_name, const char *value_name)
{
	cJSON *all = cJSON_CreateArray();

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, key_name, parameters[i][0]);
		cJSON_AddStringToObject(one, value_name, parameters[i][1]);
		cJSON_AddItemToArray(all, one);
	}
	return all;
}

/* The first n resources exist; the one after them is next. */
static cJSON *make_resources(size_t n, const char *next)
{
	cJSON *reply = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(reply, "StackResources");

	for (size_t i = 0; i < ARRAY_SIZE(resources) && i < n + (next != NULL); i++) {
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, "LogicalResourceId", resources[i].logical_id);
		cJSON_AddStringToObject(one, "ResourceType", resources[i].type);
		cJSON_AddStringToObject(one, "PhysicalResourceId", i < n ? resources[i].physical_id : "");
		cJSON_AddStringToObject(one, "ResourceStatus", i < n ? "CREATE_COMPLETE" : next);
		cJSON_AddItemToArray(all, one);
	}
	return reply;
}

static void show_stack(struct snapshot *s, const char *status, size_t n, const char *next)
{
	cJSON *reply = cJSON_CreateObject(), *stacks = cJSON_AddArrayToObject(reply, "Stacks"),
	      *stack = cJSON_CreateObject(), *all = make_resources(n, next);

	cJSON_AddStringToObject(stack, "StackId", "arn:aws:cloudformation:eu-central-1:123456789012:stack/vast/1");
	cJSON_AddStringToObject(stack, "StackStatus", status);
	cJSON_AddItemToObject(stack, "Parameters", make_pairs("ParameterKey", "ParameterValue"));
	cJSON_AddItemToArray(stacks, stack);
	stack_view_unref(s->stack);
	s->stack = stack_view_parse("vast-default", false, reply, all, NULL, NULL);
	cJSON_Delete(reply);
	cJSON_Delete(all);
}

static cJSON *make_task(const char *id, const char *status, const char *health, const char *reason, int64_t age_ms)
{
	cJSON *t = cJSON_CreateObject(), *containers = cJSON_AddArrayToObject(t, "containers"),
	      *c = cJSON_CreateObject(), *attachments = cJSON_AddArrayToObject(t, "attachments"),
	      *a = cJSON_CreateObject(), *details = cJSON_AddArrayToObject(a, "details"), *d = cJSON_CreateObject();
	char arn[512];

	snprintf(arn, sizeof(arn), "arn:aws:ecs:eu-central-1:123456789012:task/vast-default/%s", id);
	cJSON_AddStringToObject(t, "taskArn", arn);
	cJSON_AddStringToObject(t, "lastStatus", status);
	cJSON_AddStringToObject(t, "desiredStatus", strcmp(status, "STOPPED") == 0 ? status : "RUNNING");
	cJSON_AddNumberToObject(t, "createdAt", (double)(clock_wall_ms() - age_ms) / 1000);
	cJSON_AddStringToObject(t, "taskDefinitionArn", "arn:aws:ecs:r:1:task-definition/vast-default:7");
	cJSON_AddStringToObject(t, "cpu", "2048");
	cJSON_AddStringToObject(t, "memory", "4096");
	if (reason)
		cJSON_AddStringToObject(t, "stoppedReason", reason);
	cJSON_AddStringToObject(c, "name", "vast-server");
	cJSON_AddStringToObject(c, "healthStatus", health);
	cJSON_AddItemToArray(containers, c);
	cJSON_AddStringToObject(d, "name", "privateIPv4Address");
	cJSON_AddStringToObject(d, "value", "172.31.64.11");
	cJSON_AddItemToArray(details, d);
	cJSON_AddItemToArray(attachments, a);
	return t;
}

/* Takes the array. */
static void show_tasks(struct snapshot *s, cJSON *tasks)
{
	const struct task *server;

	task_list_unref(s->tasks);
	s->tasks = task_list_parse(tasks, "42000", "vast-default", NULL);
	server = task_list_default(s->tasks);
	snprintf(s->default_task, sizeof(s->default_task), "%s", server ? server->id : "");
	cJSON_Delete(tasks);
}

static cJSON *make_usual_tasks(void)
{
	cJSON *all = cJSON_CreateArray();

	cJSON_AddItemToArray(all, make_task(FIRST_TASK, "RUNNING", "HEALTHY", NULL, 73 * MINUTE_MS));
	cJSON_AddItemToArray(all, make_task("8ad1c0de8ad1c0de8ad1c0de8ad1c0de", "STOPPED", "UNKNOWN",
					    "Task stopped by user", 90 * MINUTE_MS));
	return all;
}

/* -- what vastfs did --------------------------------------------------------------------------------------------- */

static struct blob *make_blob(const char *text)
{
	_buf_ struct buf b = BUF_INIT(1 << 20);

	buf_puts(&b, text);
	return blob_from_buf(&b);
}

/* Adds a running job; the list has the only reference. */
static struct job *add_job(struct job_list **list, enum job_kind kind, const char *name, const char *query)
{
	struct blob *text = query ? make_blob(query) : NULL;
	struct job_list *before = *list;
	struct job *j = job_new(kind, before->n + 1, name, text);

	*list = job_list_with(before, j, 1000);
	job_list_unref(before);
	blob_unref(text);
	job_unref(j);
	job_start(j);
	return j;
}

static void start_at(struct job_view *v, void *arg)
{
	v->started_ms = clock_wall_ms() - *(const int64_t *)arg;
}

static void start_ago(struct job *j, int64_t ago_ms)
{
	job_edit(j, start_at, &ago_ms);
}

static void run_for(struct job_view *v, void *arg)
{
	v->ran = true;
	v->duration_ms = *(const int64_t *)arg;
}

static void add_query(struct snapshot *s, const char *query, int64_t ago_ms, int64_t duration_ms)
{
	struct job *j = add_job(&s->queries, JOB_QUERY, "query", query);

	start_ago(j, ago_ms);
	job_edit(j, run_for, &duration_ms);
	job_succeed(j, make_blob("1\n"));
}

static void add_usual_jobs(struct snapshot *s)
{
	struct job *j = add_job(&s->imports, JOB_IMPORT, "import", NULL);

	snprintf(j->argument, sizeof(j->argument), "suricata");
	start_ago(j, 61 * MINUTE_MS);
	add_query(s, "vast status", 50 * MINUTE_MS, 811);
	add_query(s, "vast export --limit=1000 json '#type == \"suricata.alert\" && src_ip in 10.0.0.0/8'",
		  20 * MINUTE_MS, 4211);
	add_query(s, "vast count", 3 * MINUTE_MS, 702);
	job_succeed(j, make_blob("events 182344\ndelivered 182344\nrejected 0\nduplicates 0\n"));
	j = add_job(&s->operations, JOB_OPERATION, "deploy", NULL);
	job_succeed(j, make_blob("deployed vast-default\n"));
	j = add_job(&s->operations, JOB_OPERATION, "run-task", NULL);
	start_ago(j, 73 * MINUTE_MS);
	job_succeed(j, make_blob("the server answers at 172.31.64.11:42000\n"));
}

static void add_failure(struct picture *p, const char *path, const struct error *e)
{
	struct failure_report *f = &p->failures[p->failures_n];

	p->failures_all++;
	if (p->failures_n == PICTURE_FAILURES)
		return;
	*f = (struct failure_report){.at_ms = clock_wall_ms() - 2 * MINUTE_MS, .count = 1, .error = *e};
	snprintf(f->path, sizeof(f->path), "%s", path);
	p->failures_n++;
}

/* -- situations -------------------------------------------------------------------------------------------------- */

static void show_settings(struct snapshot *s)
{
	static const char text[] = "aws_region=eu-central-1\nvpc_id=vpc-0123456789abcdef0\n"
				   "subnet_cidr=172.31.64.0/27\n";

	if (settings_parse(text, strlen(text), &s->settings, NULL) < 0)
		exit(1);
	s->contact_ms = clock_wall_ms();
	s->contact_monotonic_ms = clock_monotonic_ms();
	s->contact_slept_ms = clock_slept_ms();
	snprintf(s->identity.account, sizeof(s->identity.account), "123456789012");
	snprintf(s->identity.arn, sizeof(s->identity.arn), "arn:aws:sts::123456789012:assumed-role/Operator/jane");
}

static void be_empty(struct situation *x)
{
	x->picture.age_ms = -1;
}

static void be_deploying(struct situation *x)
{
	struct job *j = add_job(&x->snapshot->operations, JOB_OPERATION, "deploy", NULL);

	show_settings(x->snapshot);
	show_stack(x->snapshot, "CREATE_IN_PROGRESS", 3, "CREATE_IN_PROGRESS");
	start_ago(j, 98000);
	job_progress(j, 4, 9, "NatGateway: waiting for AWS::EC2::NatGateway");
}

static void be_deployed(struct situation *x)
{
	show_settings(x->snapshot);
	show_stack(x->snapshot, "CREATE_COMPLETE", ARRAY_SIZE(resources), NULL);
	x->snapshot->storage_bytes = INT64_C(120500000000);
	job_succeed(add_job(&x->snapshot->operations, JOB_OPERATION, "deploy", NULL),
		    make_blob("deployed vast-default\n"));
}

static void be_serving(struct situation *x)
{
	be_deployed(x);
	show_tasks(x->snapshot, make_usual_tasks());
	add_usual_jobs(x->snapshot);
	x->picture.imports.delivered = 182344;
}

static void be_querying(struct situation *x)
{
	struct job *j;

	be_serving(x);
	j = add_job(&x->snapshot->queries, JOB_QUERY, "query",
		    "vast export json '#type == \"zeek.conn\"' | head -n 20");
	start_ago(j, 6200);
	job_progress(j, 0, 0, "12.4 MB received, 2.0 MB/s");
	j = add_job(&x->snapshot->imports, JOB_IMPORT, "import", NULL);
	snprintf(j->argument, sizeof(j->argument), "zeek");
	start_ago(j, 72000);
	job_progress(j, 3, 8, "events 52000, delivered 19500, waiting 32500");
	x->picture.imports.imports = 1;
	x->picture.imports.events_waiting = 32500;
}

static void be_failed(struct situation *x)
{
	struct error e;

	show_settings(x->snapshot);
	show_stack(x->snapshot, "ROLLBACK_COMPLETE", 2, "CREATE_FAILED");
	error_set(&e, -EIO,
		  "cannot create NatAddress (AWS::EC2::EIP) of the stack vast-default: The maximum number of addresses "
		  "has been reached");
	error_remedy(&e, "release an Elastic IP address or ask for a higher quota, then run: touch control/deploy");
	snprintf(e.code, sizeof(e.code), "AddressLimitExceeded");
	snprintf(e.request_id, sizeof(e.request_id), "0f6d9d14-6a3a-4f0e-9b3e-2b1d8f6f7a55");
	job_fail(add_job(&x->snapshot->operations, JOB_OPERATION, "deploy", NULL), &e);
	add_failure(&x->picture, "control/deploy", &e);
}

static void be_unreachable(struct situation *x)
{
	struct error *e = &x->snapshot->contact_error;

	be_serving(x);
	error_set(e, -ENETUNREACH, "cannot reach ecs.eu-central-1.amazonaws.com: could not resolve the host name");
	error_remedy(e, "check the network; vastfs tries again by itself");
	e->duration = ERROR_TRANSIENT;
	x->picture.age_ms = 12 * MINUTE_MS;
	x->snapshot->contact_ms -= 12 * MINUTE_MS;
	add_failure(&x->picture, "lambda/query", e);
}

static void be_destroyed(struct situation *x)
{
	show_settings(x->snapshot);
	job_succeed(add_job(&x->snapshot->operations, JOB_OPERATION, "destroy", NULL),
		    make_blob("the stack vast-default is deleted\n"
			      "the database is kept: file system fs-0fedcba9876543210; to delete it: echo purge > "
			      "control/destroy\n"));
}

static void be_hostile(struct situation *x)
{
	cJSON *tasks = make_usual_tasks();
	struct error e;

	be_serving(x);
	error_set(&e, -EIO, "%s", HOSTILE);
	error_remedy(&e, "%s", HOSTILE);
	snprintf(e.code, sizeof(e.code), "%.60s", HOSTILE);
	snprintf(e.request_id, sizeof(e.request_id), "%.60s", HOSTILE);
	cJSON_AddItemToArray(tasks, make_task("<script>document.title='injected'<", HOSTILE, HOSTILE, HOSTILE, 1000));
	show_tasks(x->snapshot, tasks);
	for (size_t i = 0; i < x->snapshot->stack->resources_n; i++) {
		free(x->snapshot->stack->resources[i].physical_id);
		x->snapshot->stack->resources[i].physical_id = strdup(HOSTILE);
	}
	for (size_t i = 0; i < x->snapshot->stack->parameters_n; i++) {
		free(x->snapshot->stack->parameters[i].value);
		x->snapshot->stack->parameters[i].value = strdup(HOSTILE);
	}
	add_query(x->snapshot, HOSTILE, 1000, 1);
	job_progress(add_job(&x->snapshot->operations, JOB_OPERATION, "deploy", NULL), 1, 2, "%s", HOSTILE);
	job_fail(add_job(&x->snapshot->imports, JOB_IMPORT, "import", NULL), &e);
	add_failure(&x->picture, HOSTILE, &e);
	x->snapshot->contact_error = e;
	x->snapshot->elsewhere = make_blob(HOSTILE);
}

static void be_crowded(struct situation *x)
{
	cJSON *tasks = cJSON_CreateArray();
	struct error e;
	char text[64];

	be_serving(x);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%032x", 0x10000 + i);
		cJSON_AddItemToArray(tasks, make_task(text, i % 3 ? "RUNNING" : "STOPPED", "UNKNOWN", NULL, i * 1000));
	}
	show_tasks(x->snapshot, tasks);
	for (int i = 0; i < 100; i++)
		add_query(x->snapshot,
			  "vast export --continuous json '#type == \"suricata.flow\" && orig_h in 192.168.0.0/16' | "
			  "jq -c 'select(.flow.bytes_toclient > 1000000)' | sort | uniq -c | sort -rn | head -n 100",
			  i * 1000, 123456789);
	for (int i = 0; i < 20; i++) {
		error_set(&e, -EIO, "%s%s%s%s", "AWS said a-long-word-without-any-blank-", HOSTILE, HOSTILE, HOSTILE);
		add_failure(&x->picture, "tasks/3f9c1d2e4b5a69788796a5b4c3d2e1f0/exec/history/12345/query", &e);
	}
	x->picture.imports.imports = 12345678;
	x->picture.imports.delivered = UINT64_MAX;
}

static const struct {
	const char *name;
	void (*be)(struct situation *x);
} situations[] = {
	{"nothing", be_empty},		 {"deploying", be_deploying}, {"deployed", be_deployed},
	{"server", be_serving},		 {"query", be_querying},      {"failed", be_failed},
	{"unreachable", be_unreachable}, {"destroyed", be_destroyed}, {"hostile", be_hostile},
	{"crowded", be_crowded},
};

static void write_picture(const char *directory, const char *situation, const char *name,
			  int (*put)(const struct picture *p, struct buf *out), const struct picture *p)
{
	_buf_ struct buf out = BUF_INIT(16 << 20);
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, situation);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", directory, situation, name);
	f = fopen(path, "w");
	if (put(p, &out) < 0 || !f || fwrite(buf_str(&out), 1, out.len, f) != out.len || fclose(f) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(situations); i++) {
		struct situation x = {.snapshot = snapshot_first()};

		x.picture = (struct picture){
			.snapshot = x.snapshot, .mountpoint = "/home/jane/vast", .now_ms = clock_wall_ms()};
		situations[i].be(&x);
		write_picture(argv[1], situations[i].name, "status.svg", picture_put_status, &x.picture);
		write_picture(argv[1], situations[i].name, "diagram.svg", picture_put_diagram, &x.picture);
		write_picture(argv[1], situations[i].name, "overview.html", picture_put_overview, &x.picture);
		snapshot_unref(x.snapshot);
	}
	return argc == 2 ? 0 : 2;
}
