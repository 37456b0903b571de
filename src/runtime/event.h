/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an invocation asks for. The event is a JSON object:
 *
 *	{"v":1, "cmd":"<base64 of the command>", "endpoint":"<host>:<port>", "stream":true, "deflate":true,
 *	 "stdin":"<base64 of gzip data>", "stdin_encoding":"gzip"}
 *
 * `endpoint` is empty, null or absent when no server runs. `stream` asks for a reply as frames.h has it; without it, or
 * when it is false or null, the reply is one JSON object (reply.h). `deflate` allows a streamed reply to be compressed.
 * `stdin` is what the command reads from its stdin, compressed; without it, or when it is null, stdin is empty. gzip is
 * the only encoding, and it has to be named. Keys that are not known are for newer runtimes and ignored; a `v` other
 * than 1 means that they must not be ignored.
 */
#ifndef VAST_RUNTIME_EVENT_H
#define VAST_RUNTIME_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* One argument of a process has at most 128 KiB on Linux. */
#define EVENT_COMMAND_MAX  (100 * 1024)
#define EVENT_ENDPOINT_MAX 255

struct event {
	char *command; /* NUL-terminated, owned */
	char endpoint[EVENT_ENDPOINT_MAX + 1];
	bool stream;
	bool deflate;
	const char *input; /* gzip data for stdin, within `text`; NULL: none */
	size_t input_len;
	char *text; /* owned; NULL without input */
};

/* 0, -ENOMEM, or -EINVAL with a sentence in *ret_why (static) that says what is wrong. event_free() only after 0. */
int event_parse(const char *json, size_t len, struct event *ret_event, const char **ret_why);

void event_free(struct event *event);

#endif
