/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - vast-lambda-runtime, the one program that vastfs adds to an image. It has three uses:
 *
 *	vast-lambda-runtime		the entry point of the Lambda function: runs one shell command per invocation
 *	vast-lambda-runtime serve ...	the entry point of the server's container (launcher.h)
 *	vast-lambda-runtime probe PORT	the health check of that container (probe.h)
 *
 * The program is statically linked and needs nothing from the image except /bin/sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "event.h"
#include "input.h"
#include "launcher.h"
#include "log.h"
#include "probe.h"
#include "processes.h"
#include "reply.h"
#include "runtime_api.h"
#include "stream.h"
#include "tmp.h"

/*
 * The part of the function's time that is reserved for the reply. If less than twice this time is left, half of it is
 * reserved.
 */
#define TIME_FOR_REPLY 1000 /* ms */
/* The part of that time that the reader of a streamed reply has to read the rest. */
#define TIME_TO_READ 900 /* ms */

static void runtime_on_term(int signal)
{
	(void)signal;
	command_abandon();
	_exit(EXIT_SUCCESS);
}

/* Both times are monotonic; INT64_MAX: never. */
struct times {
	int64_t command; /* when the command is terminated */
	int64_t reply;	 /* when a reply that Lambda does not read is abandoned */
};

static struct times runtime_times_of(const struct invocation *invocation)
{
	int64_t left = invocation->deadline_ms - clock_wall_ms(), command;

	if (invocation->deadline_ms <= 0)
		return (struct times){.command = INT64_MAX, .reply = INT64_MAX};
	if (left < 0)
		left = 0;
	command = clock_now_ms() + (left > 2 * TIME_FOR_REPLY ? left - TIME_FOR_REPLY : left / 2);
	return (struct times){.command = command, .reply = command + TIME_TO_READ};
}

static int runtime_on_output(void *context, enum command_stream stream, const char *data, size_t len)
{
	if (stream != COMMAND_STDOUT)
		log_copy(data, len);
	return reply_add(context, stream, data, len);
}

static int runtime_on_output_streamed(void *context, enum command_stream stream, const char *data, size_t len)
{
	if (stream != COMMAND_STDOUT)
		log_copy(data, len);
	return stream_output(context, stream, data, len);
}

static int runtime_report_too_large(struct http *api, const char *id, const char *more, size_t size)
{
	char message[512];

	snprintf(message, sizeof(message),
		 "The result is too large to be returned: %s%zu bytes, encoded for its transfer; Lambda's limit is %d. "
		 "Narrow the command, or let it write to S3 or to a file on the server.",
		 more, size, RUNTIME_API_REPLY_MAX);
	return runtime_api_error(api, id, "Vastfs.ResultTooLarge", message);
}

/* Writes a description of the failure to `message` and returns the error type of the reply. */
static const char *runtime_explain_failure(int err, const struct input *input, char *message, size_t size)
{
	if (input && input->damage) {
		snprintf(message, size,
			 "The gzip data for the command's stdin is damaged: %s; the command had been given %" PRId64
			 " bytes of it.",
			 input->damage, input->written);
		return "Vastfs.BadStdin";
	}
	if (err == -ENOENT || err == -EACCES || err == -ENOEXEC) {
		snprintf(message, size, "The image has no /bin/sh that can be executed: %s.", strerror(-err));
		return "Vastfs.NoShell";
	}
	snprintf(message, size, "The command could not be run: %s.", strerror(-err));
	return "Vastfs.CannotRun";
}

static int runtime_report_failure(struct http *api, const char *id, int err, const struct input *input)
{
	char message[256];
	const char *type;

	if (err == -EFBIG)
		return runtime_report_too_large(api, id, "more than ", RUNTIME_API_REPLY_MAX);
	type = runtime_explain_failure(err, input, message, sizeof(message));
	return runtime_api_error(api, id, type, message);
}

/*
 * Runs the command. Damaged input is an error even if the command succeeded without reading up to the damage, because
 * success means that the data was intact.
 */
static int runtime_run_command(const struct command *command, struct command_end *ret_end)
{
	int err = command_run(command, ret_end);

	if (err < 0 || !command->input || ret_end->exit_code != 0)
		return err;
	return input_check_rest(command->input);
}

/*
 * runtime_serve_collected() and runtime_serve_streamed() run the command and send the reply. *ret_end reports whether
 * processes could not be killed.
 */
static int runtime_serve_collected(struct http *api, const char *id, struct command *command,
				   struct command_end *ret_end)
{
	struct reply reply;
	size_t size = 0;
	int err;

	reply_init(&reply);
	command->output = runtime_on_output;
	command->context = &reply;
	err = runtime_run_command(command, ret_end);
	if (err < 0) {
		reply_free(&reply);
		return runtime_report_failure(api, id, err, command->input);
	}
	err = reply_send(&reply, api, id, ret_end, &size);
	reply_free(&reply);
	return err == -EMSGSIZE ? runtime_report_too_large(api, id, "", size) : err;
}

static int runtime_serve_streamed(struct reply_stream *stream, struct command *command, struct command_end *ret_end)
{
	char message[256];
	const char *type;
	int err;

	command->output = runtime_on_output_streamed;
	command->wait = stream_wait;
	command->work = stream_work;
	command->context = stream;
	err = runtime_run_command(command, ret_end);
	if (stream->error)
		return stream_give_up(stream);
	if (err == 0)
		return stream_end(stream, ret_end);
	if (!stream->begun)
		return runtime_report_failure(stream->api, stream->id, err, command->input);
	type = runtime_explain_failure(err, command->input, message, sizeof(message));
	return stream_fail(stream, type, message);
}

static int runtime_serve_command(struct http *api, const struct invocation *invocation, const struct event *event,
				 struct input *input, struct command_end *ret_end)
{
	struct times times = runtime_times_of(invocation);
	struct command command = {.text = event->command,
				  .endpoint = event->endpoint,
				  .trace = invocation->trace,
				  .deadline_ms = times.command,
				  .input = input};
	static struct reply_stream stream;
	int err;

	if (!event->stream)
		return runtime_serve_collected(api, invocation->id, &command, ret_end);
	stream_init(&stream, api, invocation->id, times.reply, event->deflate);
	err = runtime_serve_streamed(&stream, &command, ret_end);
	stream_free(&stream);
	return err;
}

static int runtime_serve_event(struct http *api, const struct invocation *invocation, const struct event *event,
			       struct command_end *ret_end)
{
	static struct input input;
	int err;

	if (!event->input)
		return runtime_serve_command(api, invocation, event, NULL, ret_end);
	err = input_init(&input, event->input, event->input_len);
	if (err < 0)
		return runtime_report_failure(api, invocation->id, err, NULL);
	err = runtime_serve_command(api, invocation, event, &input, ret_end);
	input_free(&input);
	return err;
}

static int runtime_serve(struct http *api, struct invocation *invocation)
{
	struct command_end end = {0};
	struct event event;
	struct tmp tmp;
	const char *why;
	int err = event_parse(invocation->event.data, invocation->event.len, &event, &why);

	if (err < 0)
		return runtime_api_error(api, invocation->id, "Vastfs.BadEvent", why ? why : strerror(-err));
	buffer_free(&invocation->event); /* frees up to 6 MB for the command */
	tmp_snapshot(&tmp);
	err = runtime_serve_event(api, invocation, &event, &end);
	event_free(&event);
	tmp_restore(&tmp);
	if (!end.left_behind)
		return err;
	log_say("a process of the command cannot be ended, so this Lambda environment is ended");
	return -EBUSY;
}

static int runtime_serve_all(struct http *api)
{
	int err;

	do {
		struct invocation invocation;

		err = runtime_api_next(api, &invocation);
		if (err < 0)
			break;
		err = runtime_serve(api, &invocation);
		invocation_free(&invocation);
	} while (err == 0);
	return err;
}

/* Ensures that the pipes of a command do not get the numbers of the standard streams. */
static int runtime_open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 && fcntl(STDERR_FILENO, F_GETFD) < 0 ? -errno : 0;
}

static void runtime_catch_signals(void)
{
	struct sigaction action = {.sa_handler = runtime_on_term};

	sigaction(SIGTERM, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	command_init();
}

static int runtime_prepare(struct http *api)
{
	char message[256];
	int err;

	if (access("/bin/sh", X_OK) < 0) {
		snprintf(message, sizeof(message), "The image has no /bin/sh that can be executed: %s.",
			 strerror(errno));
		runtime_api_error(api, NULL, "Runtime.InitError", message);
		return -ENOENT;
	}
	err = processes_adopt();
	if (err < 0) {
		snprintf(message, sizeof(message), "Cannot become the parent of orphaned processes: %s.",
			 strerror(-err));
		runtime_api_error(api, NULL, "Runtime.InitError", message);
	}
	return err;
}

static int runtime_run_function(void)
{
	static struct http api;
	const char *address = getenv("AWS_LAMBDA_RUNTIME_API");

	if (!address || !address[0]) {
		log_say("AWS_LAMBDA_RUNTIME_API is not set: this program is started by AWS Lambda, as the entry point "
			"of an image");
		return EXIT_FAILURE;
	}
	runtime_catch_signals();
	if (runtime_open_standard_streams() < 0 || runtime_api_init(&api, address) < 0 || runtime_prepare(&api) < 0)
		return EXIT_FAILURE;
	runtime_serve_all(&api);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *use = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(use, "--version") == 0) {
		puts("vast-lambda-runtime " VASTFS_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(use, "serve") == 0)
		return launcher_run(argc - 2, argv + 2);
	if (strcmp(use, "probe") == 0)
		return probe_run(argc - 2, argv + 2);
	return runtime_run_function();
}
