/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reply to an invocation in its buffered form, one JSON object:
 *
 *	{"v":1, "exit_code":N, "stdout":"<base64>", "stderr":"<base64>",
 *	 "signal":N, "timed_out":true, "stdin_bytes":N, "truncated_stderr":true}	(the last four where they apply)
 *
 * `stdin_bytes` is what was written into the command's stdin, if the event had data for it (event.h): inflated bytes.
 * stdout is whole or the reply is an error. Of stderr the last 256 KiB are kept and a first line says how much is
 * missing.
 */
#ifndef VAST_RUNTIME_REPLY_H
#define VAST_RUNTIME_REPLY_H

#include <stdint.h>

#include "buffer.h"
#include "command.h"
#include "http.h"

#define REPLY_STDERR_MAX (256 * 1024)

struct reply {
	struct buffer out;
	struct buffer err;
	uint64_t err_dropped; /* bytes */
};

void reply_init(struct reply *reply);

/* -EFBIG once stdout alone is more than a reply can have, -ENOMEM. */
int reply_add(struct reply *reply, enum command_stream stream, const char *data, size_t len);

/* Sends the reply. -EMSGSIZE if it is larger than Lambda takes, with its size in *ret_size; else as
 * runtime_api_respond(). */
int reply_send(struct reply *reply, struct http *api, const char *id, const struct command_end *end, size_t *ret_size);

void reply_free(struct reply *reply);

#endif
