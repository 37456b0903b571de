/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripted.h"

#include "base/file.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

/* The script itself always has memory. */
#undef strdup
#define strdup(text)	__real_strdup(text)
#define calloc(n, size) __real_calloc(n, size)

#define ROWS_MAX    256
#define PENDING_MAX 256

struct row {
	const char *operation, *match, *code;
	char *text; /* owned */
	bool once;
};

/* A call or a function that waits for the engine. */
struct pending {
	void (*fn)(void *arg);
	void *arg;
	struct aws_request *request;
	void (*done)(struct aws_reply *reply, void *arg);
};

struct counter {
	char operation[64], *last;
	unsigned n;
};

static struct row rows[ROWS_MAX];
static struct pending queue[PENDING_MAX];
static struct counter counters[ROWS_MAX];
static struct engine_timer *timers[PENDING_MAX];
static struct engine_socket *sockets[PENDING_MAX];
static size_t rows_n, queue_n, counters_n, timers_n, sockets_n;
static unsigned refused_starts;
static const char *refused_operation;
static _Atomic int64_t passed_ms; /* the operation thread reads these two */
static _Atomic bool stopped;
static bool truncates;
static pthread_t test_thread;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;

int __wrap_engine_start(struct engine **ret);
void __wrap_engine_stop(struct engine *e);
int __wrap_engine_post(struct engine *e, void (*fn)(void *arg), void *arg);
int __wrap_engine_post_embedded(struct engine *e, struct engine_posted *p, void (*fn)(void *arg), void *arg);
bool __wrap_engine_is_this_thread(const struct engine *e);
void __wrap_engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg);
void __wrap_engine_timer_cancel(struct engine_timer *t);
void __wrap_engine_watch(struct engine *e, struct engine_socket *s);
void __wrap_engine_unwatch(struct engine_socket *s);
struct aws_call *__wrap_aws_start(struct aws *a, struct aws_request *request,
				  void (*done)(struct aws_reply *reply, void *arg), void *arg);
struct aws_call *__wrap_aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
				     void (*done)(struct aws_reply *reply, void *arg), void *arg);
void __wrap_aws_cancel(struct aws_call *call);
int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);

/* -- the script ------------------------------------------------------------------------------------------------ */

static void add_row(struct row row, const char *text)
{
	assert_true(rows_n < ROWS_MAX);
	row.text = strdup(text);
	rows[rows_n++] = row;
}

void script_reply(const char *operation, const char *match, const char *body)
{
	add_row((struct row){.operation = operation, .match = match}, body);
}

void script_fail(const char *operation, const char *match, const char *code, const char *message)
{
	add_row((struct row){.operation = operation, .match = match, .code = code}, message);
}

void script_once(const char *operation, const char *body)
{
	add_row((struct row){.operation = operation, .once = true}, body);
}

void script_fail_once(const char *operation, const char *code, const char *message)
{
	add_row((struct row){.operation = operation, .code = code, .once = true}, message);
}

void script_truncate(bool truncated)
{
	truncates = truncated;
}

void script_refuse_starts(unsigned n)
{
	refused_starts = n;
}

void script_refuse(const char *operation)
{
	refused_operation = operation;
}

/* The oldest row for one request, else the newest of the others. The caller owns the text. */
static struct row take_row(const char *operation, const char *members)
{
	struct row found = {.code = "Unscripted"};

	for (size_t i = 0; i < rows_n; i++) {
		if (strcmp(rows[i].operation, operation) != 0 || (rows[i].match && !strstr(members, rows[i].match)))
			continue;
		found = rows[i];
		if (!rows[i].once)
			continue;
		memmove(&rows[i], &rows[i + 1], (--rows_n - i) * sizeof(rows[0]));
		return found;
	}
	found.text = strdup(found.text ? found.text : "no reply");
	return found;
}

static struct counter *counter_of(const char *operation)
{
	for (size_t i = 0; i < counters_n; i++)
		if (strcmp(counters[i].operation, operation) == 0)
			return &counters[i];
	assert_true(counters_n < ROWS_MAX);
	snprintf(counters[counters_n].operation, sizeof(counters[0].operation), "%s", operation);
	return &counters[counters_n++];
}

unsigned script_calls(const char *operation)
{
	return counter_of(operation)->n;
}

const char *script_last(const char *operation)
{
	const char *last = counter_of(operation)->last;

	return last ? last : "";
}

/* -- memory ---------------------------------------------------------------------------------------------------- */

static _Thread_local unsigned allocations_left;
static _Thread_local bool allocation_failed;

void script_fail_allocation(unsigned n)
{
	allocations_left = n;
	allocation_failed = false;
}

bool script_allocation_failed(void)
{
	return allocation_failed;
}

static bool allocation_fails(void)
{
	if (!allocations_left || --allocations_left)
		return false;
	allocation_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return allocation_fails() ? NULL : __real_strdup(text);
}

/* -- the engine ------------------------------------------------------------------------------------------------ */

int __wrap_engine_start(struct engine **ret)
{
	static char engine;

	stopped = false;
	*ret = (struct engine *)(void *)&engine;
	return 0;
}

static int push(struct pending p)
{
	pthread_mutex_lock(&queue_lock);
	assert_true(queue_n < PENDING_MAX);
	queue[queue_n++] = p;
	pthread_mutex_unlock(&queue_lock);
	return 0;
}

static bool pop(struct pending *ret)
{
	bool found;

	pthread_mutex_lock(&queue_lock);
	found = queue_n > 0;
	if (found) {
		*ret = queue[0];
		memmove(queue, queue + 1, --queue_n * sizeof(queue[0]));
	}
	pthread_mutex_unlock(&queue_lock);
	return found;
}

int __wrap_engine_post(struct engine *e _unused_, void (*fn)(void *arg), void *arg)
{
	return stopped ? -ESHUTDOWN : push((struct pending){.fn = fn, .arg = arg});
}

int __wrap_engine_post_embedded(struct engine *e, struct engine_posted *p _unused_, void (*fn)(void *arg), void *arg)
{
	return __wrap_engine_post(e, fn, arg);
}

bool __wrap_engine_is_this_thread(const struct engine *e _unused_)
{
	return pthread_equal(pthread_self(), test_thread);
}

void __wrap_engine_timer_cancel(struct engine_timer *t)
{
	for (size_t i = 0; i < timers_n; i++) {
		if (timers[i] != t)
			continue;
		timers[i] = timers[--timers_n];
		return;
	}
}

void __wrap_engine_timer_set(struct engine *e _unused_, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg)
{
	__wrap_engine_timer_cancel(t);
	t->when_ms = delay_ms;
	t->fn = fn;
	t->arg = arg;
	assert_true(timers_n < PENDING_MAX);
	timers[timers_n++] = t;
}

void __wrap_engine_watch(struct engine *e _unused_, struct engine_socket *s)
{
	assert_true(sockets_n < PENDING_MAX);
	sockets[sockets_n++] = s;
}

void __wrap_engine_unwatch(struct engine_socket *s)
{
	for (size_t i = 0; i < sockets_n; i++) {
		if (sockets[i] != s)
			continue;
		sockets[i] = sockets[--sockets_n];
		return;
	}
}

/* -- calls ----------------------------------------------------------------------------------------------------- */

struct aws_call *__wrap_aws_start(struct aws *a _unused_, struct aws_request *request,
				  void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	struct counter *c;

	if (refused_starts || !request || (refused_operation && strcmp(request->operation, refused_operation) == 0)) {
		refused_starts -= refused_starts > 0;
		aws_request_free(request);
		return NULL;
	}
	c = counter_of(request->operation);
	c->n++;
	free(c->last);
	c->last =
		request->params ? cJSON_PrintUnformatted(request->params) : strdup(request->path ? request->path : "");
	push((struct pending){.request = request, .done = done, .arg = arg});
	return (struct aws_call *)(void *)request;
}

struct aws_call *__wrap_aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as _unused_,
				     void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	return __wrap_aws_start(a, request, done, arg);
}

static void end_call(const struct pending *p, struct aws_reply *reply)
{
	p->done(reply, p->arg);
	aws_reply_free(reply);
	aws_request_free(p->request);
}

static void answer_call(const struct pending *p)
{
	_cleanup_(free_cleanup) char *members = p->request->params ? cJSON_PrintUnformatted(p->request->params)
								   : strdup(p->request->path ? p->request->path : "");
	struct row row = take_row(p->request->operation, members);
	struct aws_reply reply = {.status = row.code ? *row.code ? 400 : 0 : 200, .sent = true, .truncated = truncates};

	if (row.code) {
		error_set(&reply.error, -EIO, "%s", row.text);
		snprintf(reply.error.code, sizeof(reply.error.code), "%s", row.code);
	} else {
		reply.body = cJSON_Parse(row.text);
		assert_non_null(reply.body);
	}
	end_call(p, &reply);
	free(row.text);
}

static void cancel_call(const struct pending *p)
{
	struct aws_reply reply = {0};

	error_set(&reply.error, -ECANCELED, "cancelled");
	end_call(p, &reply);
}

void __wrap_aws_cancel(struct aws_call *call)
{
	for (size_t i = 0; i < queue_n; i++) {
		struct pending p = queue[i];

		if ((void *)p.request != (void *)call)
			continue;
		memmove(&queue[i], &queue[i + 1], (--queue_n - i) * sizeof(queue[0]));
		cancel_call(&p);
		return;
	}
}

/* -- running --------------------------------------------------------------------------------------------------- */

static bool run_timer(int64_t ms)
{
	for (size_t i = 0; i < timers_n; i++) {
		struct engine_timer *t = timers[i];

		if (t->when_ms > ms)
			continue;
		timers[i] = timers[--timers_n];
		t->fn(t->arg);
		return true;
	}
	return false;
}

static bool run_socket(void)
{
	for (size_t i = 0; i < sockets_n; i++) {
		struct pollfd p = {.fd = sockets[i]->fd, .events = sockets[i]->events};

		if (poll(&p, 1, 0) <= 0)
			continue;
		sockets[i]->ready(sockets[i]->arg);
		return true;
	}
	return false;
}

void script_settle(void)
{
	struct pending p;

	for (;;) {
		if (pop(&p)) {
			if (p.request)
				answer_call(&p);
			else
				p.fn(p.arg);
		} else if (!run_timer(0) && !run_socket()) {
			return;
		}
	}
}

int64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + passed_ms;
}

void script_pass(int64_t ms)
{
	passed_ms += ms;
}

void script_fire(int64_t ms)
{
	struct engine_timer *due[PENDING_MAX];
	size_t n = 0;

	script_pass(ms);

	for (size_t i = 0; i < timers_n; i++)
		if (timers[i]->when_ms <= ms)
			due[n++] = timers[i];
	for (size_t i = 0; i < n; i++) {
		/* An earlier timer may have cancelled this one, or set it again for later. */
		for (size_t k = 0; k < timers_n; k++) {
			if (timers[k] != due[i] || due[i]->when_ms > ms)
				continue;
			timers[k] = timers[--timers_n];
			due[i]->fn(due[i]->arg);
			break;
		}
	}
	script_settle();
}

void __wrap_engine_stop(struct engine *e _unused_)
{
	struct pending p;

	stopped = true;
	while (pop(&p)) {
		if (p.request)
			cancel_call(&p);
		else
			p.fn(p.arg);
	}
	timers_n = sockets_n = 0;
}

/* -- sessions -------------------------------------------------------------------------------------------------- */

struct remote *__wrap_remote_start(struct engine *e, enum command_kind kind, const struct session_request *request,
				   const struct remote_events *events, void *arg);
int __wrap_remote_write(struct remote *r, const void *data, size_t len);
int __wrap_remote_write_end(struct remote *r);
bool __wrap_remote_is_full(const struct remote *r);
void __wrap_remote_resize(struct remote *r, unsigned columns, unsigned rows);
void __wrap_remote_pause(struct remote *r, bool paused);
void __wrap_remote_cancel(struct remote *r);
void __wrap_remote_drop(struct remote *r);
void __wrap_remote_free(struct remote *r);

static struct remote *newest_remote;
static bool refuses_remotes;

struct remote *script_remote(void)
{
	return newest_remote;
}

void script_refuse_remotes(bool refused)
{
	refuses_remotes = refused;
}

struct remote *__wrap_remote_start(struct engine *e _unused_, enum command_kind kind _unused_,
				   const struct session_request *request _unused_, const struct remote_events *events,
				   void *arg)
{
	struct remote *r = refuses_remotes ? NULL : calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->events = events;
	r->arg = arg;
	buf_init(&r->written, 1 << 20);
	newest_remote = r;
	return r;
}

int __wrap_remote_write(struct remote *r, const void *data, size_t len)
{
	return r->result < 0 ? r->result : buf_append(&r->written, data, len);
}

int __wrap_remote_write_end(struct remote *r)
{
	r->wrote_end = true;
	return 0;
}

bool __wrap_remote_is_full(const struct remote *r)
{
	return r->full;
}

void __wrap_remote_resize(struct remote *r, unsigned columns, unsigned rows_)
{
	r->columns = columns;
	r->rows = rows_;
}

void __wrap_remote_pause(struct remote *r, bool paused)
{
	r->paused = paused;
}

void __wrap_remote_cancel(struct remote *r)
{
	r->cancelled = true;
}

void __wrap_remote_free(struct remote *r)
{
	if (!r)
		return;
	if (newest_remote == r)
		newest_remote = NULL;
	buf_free(&r->written);
	free(r);
}

void __wrap_remote_drop(struct remote *r)
{
	__wrap_remote_free(r);
}

void script_end_remote(int status, const struct error *why)
{
	struct remote *r = newest_remote;

	r->events->ended(status, why, r->arg);
	__wrap_remote_free(r);
	script_settle();
}

/* -- the model ------------------------------------------------------------------------------------------------- */

void script_write(struct script *s, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	assert_int_equal(file_write_atomically(path, text, strlen(text)), 0);
}

void script_start(struct script *s)
{
	struct model_config config = {.config_dir = s->config, .state_dir = s->dir, .cache_dir = s->dir};
	struct error err = {0};

	assert_int_equal(model_start(&config, &s->m, &err), 0);
	script_settle();
}

void script_poll(struct script *s)
{
	if (!s->m) {
		script_start(s);
		return;
	}
	watch_now(s->m, NULL, NULL);
	script_settle();
}

void script_task(struct script *s, const char *id, const char *status, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"taskArns\":[\"arn:aws:ecs:eu-west-1:111111111111:task/cluster/%s\"]}", id);
	script_reply("ListTasks", "RUNNING", text);
	snprintf(text, sizeof(text),
		 "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-west-1:111111111111:task/cluster/%s\","
		 "\"createdAt\":1700000000,\"lastStatus\":\"%s\",\"desiredStatus\":\"%s\","
		 "\"taskDefinitionArn\":\"arn:aws:ecs:eu-west-1:111111111111:task-definition/vast-prod:3\","
		 "\"containers\":[{\"name\":\"vast-server\"}]%s}]}",
		 id, status, status, more);
	script_reply("DescribeTasks", NULL, text);
	script_poll(s);
}

void script_stop(struct script *s)
{
	model_stop(move_ptr(s->m));
}

int script_setup(void **state)
{
	struct script *s = calloc(1, sizeof(*s));

	test_thread = pthread_self();
	queue_n = 0;
	refused_starts = 0;
	refused_operation = NULL;
	truncates = false;
	snprintf(s->dir, sizeof(s->dir), "/tmp/vastfs-script-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->config, sizeof(s->config), "%s/config", s->dir);
	assert_int_equal(file_make_directories(s->config), 0);
	setenv("HOME", s->dir, 1);
	setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	script_write(s, "config/default.env",
		     "stage=prod\naws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=172.31.48.0/24\n");
	script_reply("DescribeStacks", NULL, SCRIPT_STACK("CREATE_COMPLETE", SCRIPT_OUTPUTS));
	script_reply("DescribeStackResources", NULL,
		     "{\"StackResources\":[{\"LogicalResourceId\":\"Cluster\",\"ResourceType\":\"AWS::ECS::Cluster\","
		     "\"PhysicalResourceId\":\"cluster\",\"ResourceStatus\":\"CREATE_COMPLETE\"},"
		     "{\"LogicalResourceId\":\"Function\",\"ResourceType\":\"AWS::Lambda::Function\","
		     "\"PhysicalResourceId\":\"function\",\"ResourceStatus\":\"CREATE_COMPLETE\"}]}");
	script_reply("ListTasks", NULL, "{\"taskArns\":[]}");
	script_reply("DescribeServices", NULL, "{\"services\":[]}");
	script_reply("GetFunctionConfiguration", NULL, "{\"FunctionName\":\"function\"}");
	script_reply("DescribeFileSystems", NULL, "{\"FileSystems\":[]}");
	script_reply("GetCallerIdentity", NULL, "{\"Account\":\"111111111111\"}");
	*state = s;
	return 0;
}

int script_teardown(void **state)
{
	struct script *s = *state;
	char command[128];

	script_stop(s);
	for (size_t i = 0; i < counters_n; i++)
		free(counters[i].last);
	while (rows_n)
		free(rows[--rows_n].text);
	memset(counters, 0, sizeof(counters));
	counters_n = 0;
	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

const char *script_error(struct script *s)
{
	static char text[1 << 16];
	_buf_ struct buf out = BUF_INIT(sizeof(text) - 1);

	failures_render(model_failures(s->m), &out);
	snprintf(text, sizeof(text), "%s", buf_str(&out));
	return text;
}

const char *script_events(struct script *s)
{
	static char text[1 << 16];
	size_t n = stream_read(model_events(s->m), 0, text, sizeof(text) - 1);

	text[n] = '\0';
	return text;
}
