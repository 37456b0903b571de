/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * websocket-call - opens a WebSocket as vastfs would and sends back what comes, for the tests.
 *
 * usage: websocket-call [-p PING_MS] [-m MESSAGE_MAX] [-c CA_FILE] URL
 * Sends each message back as it came, until the other side closes; "bye" makes it close itself. Prints one JSON object
 * at the end: messages, bytes, errno, message, remedy, http_status.
 */
#include "aws/websocket.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct engine *engine;
	struct websocket_request request;
	struct websocket *ws;
	size_t messages, bytes;
	struct error error;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over;
};

static void finish(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	run->over = true;
	pthread_cond_signal(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

static void on_open(void *arg)
{
	struct run *run = arg;

	websocket_send(run->ws, true, "hello", 5);
}

static void on_message(bool is_text, const void *data, size_t len, void *arg)
{
	struct run *run = arg;

	run->messages++;
	run->bytes += len;
	if (len == 3 && memcmp(data, "bye", 3) == 0) {
		websocket_close(run->ws);
		finish(run);
		return;
	}
	websocket_send(run->ws, is_text, data, len);
}

static void on_closed(const struct error *why, void *arg)
{
	struct run *run = arg;

	run->error = *why;
	finish(run);
}

static void begin(void *arg)
{
	static const struct websocket_events events = {on_open, on_message, on_closed};
	struct run *run = arg;

	run->ws = websocket_start(run->engine, &run->request, &events, run);
}

static void print(const struct run *run)
{
	cJSON *out = cJSON_CreateObject();
	char *text;

	cJSON_AddNumberToObject(out, "messages", (double)run->messages);
	cJSON_AddNumberToObject(out, "bytes", (double)run->bytes);
	cJSON_AddNumberToObject(out, "errno", run->error.errnum);
	cJSON_AddNumberToObject(out, "http_status", run->error.http_status);
	cJSON_AddStringToObject(out, "message", run->error.message);
	cJSON_AddStringToObject(out, "remedy", run->error.remedy);
	text = cJSON_PrintUnformatted(out);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(out);
}

int main(int argc, char **argv)
{
	struct run run = {.request = {.message_max = 1 << 20},
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .changed = PTHREAD_COND_INITIALIZER};
	int option;

	while ((option = getopt(argc, argv, "p:m:c:")) != -1) {
		if (option == 'p')
			run.request.ping_ms = atoi(optarg);
		else if (option == 'm')
			run.request.message_max = strtoul(optarg, NULL, 10);
		else if (option == 'c')
			run.request.ca_file = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc || engine_start(&run.engine) < 0)
		return 2;
	run.request.url = argv[optind];
	engine_post(run.engine, begin, &run);
	pthread_mutex_lock(&run.lock);
	while (!run.over)
		pthread_cond_wait(&run.changed, &run.lock);
	pthread_mutex_unlock(&run.lock);
	engine_stop(run.engine);
	print(&run);
	return 0;
}
