/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aws-call - sends one call as vastfs would and prints what comes of it, for the tests.
 *
 * usage: aws-call [-u] [-q] [-n COUNT] [-c MS] [-t MS] [-m BYTES] [-p TOKEN_IN,TOKEN_OUT,LIST] [-X METHOD PATH QUERY]
 *                 [-P PROFILE] REGION SERVICE OPERATION [JSON]
 * REGION "-" is the default that the environment and the profile give.
 * -u: never send twice; -n: so many calls at once; -c: cancel after so long; -t: timeout; -m: most bytes of a reply;
 * -b: JSON is the payload, and the reply is opaque. Prints one JSON object a call; exits 1 if one failed.
 */
#include "aws/aws.h"
#include "aws/services/service.h"

#include <getopt.h>
#include <pthread.h>
#include <string.h>

struct options {
	bool unsent, payload;
	int count, cancel_ms, timeout_ms;
	size_t reply_max;
	char *paging[3];
	char *method, *path, *query;
	const char *profile, *region, *service, *operation, *json;
};

struct run {
	const struct options *o;
	struct engine *engine;
	struct aws *aws;
	struct aws_call **calls;
	struct engine_timer cancel_timer;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int left, failed, started;
};

struct slot {
	struct run *run;
	int number;
};

static void print_reply(const struct aws_reply *reply)
{
	cJSON *out = cJSON_CreateObject();
	char *text;

	cJSON_AddNumberToObject(out, "errno", reply->error.errnum);
	cJSON_AddNumberToObject(out, "status", reply->status);
	cJSON_AddStringToObject(out, "code", reply->error.code);
	cJSON_AddStringToObject(out, "message", reply->error.message);
	cJSON_AddStringToObject(out, "remedy", reply->error.remedy);
	cJSON_AddStringToObject(out, "request_id", reply->request_id);
	cJSON_AddStringToObject(out, "function_error", reply->function_error);
	cJSON_AddBoolToObject(out, "sent", reply->sent);
	cJSON_AddBoolToObject(out, "truncated", reply->truncated);
	cJSON_AddItemToObject(out, "body", reply->body ? cJSON_Duplicate(reply->body, true) : cJSON_CreateNull());
	text = cJSON_PrintUnformatted(out);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(out);
}

static void on_done(struct aws_reply *reply, void *arg)
{
	struct slot *slot = arg;
	struct run *run = slot->run;

	run->calls[slot->number] = NULL;
	pthread_mutex_lock(&run->lock);
	print_reply(reply);
	run->failed += reply->error.errnum != 0;
	if (--run->left == 0)
		pthread_cond_signal(&run->changed);
	pthread_mutex_unlock(&run->lock);
	free(slot);
}

static struct aws_request *make_request(const struct options *o)
{
	struct aws_request *r = aws_request_new(aws_service_named(o->service), o->operation);

	r->retry = o->unsent ? AWS_RETRY_UNSENT : AWS_RETRY_STANDARD;
	r->timeout_ms = o->timeout_ms;
	r->reply_max = o->reply_max;
	r->paging = (struct aws_paging){o->paging[0], o->paging[1], o->paging[2], 0};
	r->opaque = o->payload;
	if (o->payload)
		buf_puts(&r->payload, o->json);
	else if (o->json) {
		cJSON_Delete(r->params);
		r->params = cJSON_Parse(o->json);
	}
	r->method = o->method;
	r->path = o->path ? strdup(o->path) : NULL;
	r->query = o->query && *o->query ? strdup(o->query) : NULL;
	return r;
}

static void cancel_all(void *arg)
{
	struct run *run = arg;

	for (int i = 0; i < run->o->count; i++)
		if (run->calls[i])
			aws_cancel(run->calls[i]);
}

static void start_all(void *arg)
{
	struct run *run = arg;

	for (int i = 0; i < run->o->count; i++) {
		struct slot *slot = malloc(sizeof(*slot));

		*slot = (struct slot){run, i};
		run->calls[i] = aws_start(run->aws, make_request(run->o), on_done, slot);
	}
	if (run->o->cancel_ms)
		engine_timer_set(run->engine, &run->cancel_timer, run->o->cancel_ms, cancel_all, run);
}

static int run_calls(struct run *run)
{
	run->left = run->o->count;
	run->calls = calloc((size_t)run->o->count, sizeof(*run->calls));
	engine_post(run->engine, start_all, run);
	pthread_mutex_lock(&run->lock);
	while (run->left)
		pthread_cond_wait(&run->changed, &run->lock);
	pthread_mutex_unlock(&run->lock);
	free(run->calls);
	return run->failed ? 1 : 0;
}

static void parse_paging(struct options *o, char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(o->paging); i++)
		o->paging[i] = strsep(&text, ",");
}

static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "+ubn:c:t:m:p:P:X:")) != -1) {
		switch (c) {
		case 'u':
			o->unsent = true;
			break;
		case 'b':
			o->payload = true;
			break;
		case 'n':
			o->count = atoi(optarg);
			break;
		case 'c':
			o->cancel_ms = atoi(optarg);
			break;
		case 't':
			o->timeout_ms = atoi(optarg);
			break;
		case 'm':
			o->reply_max = (size_t)atol(optarg);
			break;
		case 'p':
			parse_paging(o, optarg);
			break;
		case 'P':
			o->profile = optarg;
			break;
		case 'X':
			o->method = optarg;
			o->path = argv[optind++];
			o->query = argv[optind++];
			break;
		default:
			return -1;
		}
	}
	if (argc - optind < 3)
		return -1;
	o->region = argv[optind];
	o->service = argv[optind + 1];
	o->operation = argv[optind + 2];
	o->json = argv[optind + 3];
	return aws_service_named(o->service) ? 0 : -1;
}

static int make_client(struct run *run, struct stream *log, struct error *err)
{
	const char *source;
	_free_ char *region = strcmp(run->o->region, "-") == 0 ? aws_default_region(run->o->profile, &source)
							       : strdup(run->o->region);
	const struct aws_config config = {.region = region, .profile = run->o->profile, .api_log = log};

	return aws_new(run->engine, &config, &run->aws, err);
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1};
	struct run run = {.o = &o, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	struct stream *log = stream_new(1 << 20);
	struct error err = {0};
	char line[1024];
	size_t n;
	int e;

	if (parse_options(argc, argv, &o) < 0) {
		fprintf(stderr, "usage: aws-call [options] REGION SERVICE OPERATION [JSON]\n");
		return 2;
	}
	if (engine_start(&run.engine) < 0)
		return 2;
	e = make_client(&run, log, &err);
	if (e < 0)
		printf("{\"errno\": %d, \"message\": \"%s\"}\n", e, err.message);
	else
		e = run_calls(&run);
	engine_stop(run.engine);
	aws_unref(run.aws);
	for (uint64_t at = 0; (n = stream_read(log, at, line, sizeof(line))); at += n)
		fwrite(line, 1, n, stderr);
	stream_unref(log);
	return e ? 1 : 0;
}
