/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * event.h - parses the event of an invocation, a JSON object:
 *
 *	{"v":1, "cmd":"<base64 of the command>", "endpoint":"<host>:<port>", "stream":true, "deflate":true,
 *	 "stdin":"<base64 of gzip data>", "stdin_encoding":"gzip"}
 *
 * `endpoint` is empty, null or absent when no server runs. `stream` requests a reply in the format of frames.h; if it
 * is absent, false or null, the reply is one JSON object (reply.h). `deflate` allows the runtime to compress a streamed
 * reply. `stdin` is the compressed stdin of the command; if it is absent or null, stdin is empty. gzip is the only
 * encoding, and the event has to name it. Unknown keys are meant for newer runtimes and are ignored. A `v` other than 1
 * means that they must not be ignored, so the event is refused.
 *
 * Any thread may call these functions. The caller owns the event.
 */
#ifndef VAST_RUNTIME_EVENT_H
#define VAST_RUNTIME_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* Linux limits one argument of a process to 128 KiB. */
#define EVENT_COMMAND_MAX  (100 * 1024)
#define EVENT_ENDPOINT_MAX 255

struct event {
	char *command; /* NUL-terminated, owned */
	char endpoint[EVENT_ENDPOINT_MAX + 1];
	bool stream;
	bool deflate;
	const char *input; /* gzip data for stdin, inside `text`; NULL: none */
	size_t input_len;
	char *text; /* owned; NULL if there is no input */
};

/*
 * Returns 0; -ENOMEM; or -EINVAL with a static sentence in *ret_why that describes the fault. The caller calls
 * event_free() only after 0.
 */
int event_parse(const char *json, size_t len, struct event *ret_event, const char **ret_why);

void event_free(struct event *event);

#endif
