/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply.h - the collected (not streamed) reply to an invocation, one JSON object:
 *
 *	{"v":1, "exit_code":N, "stdout":"<base64>", "stderr":"<base64>",
 *	 "signal":N, "timed_out":true, "stdin_bytes":N, "truncated_stderr":true}	(the last four where they apply)
 *
 * `stdin_bytes` is present if the event had data for stdin (event.h): the number of inflated bytes that were written
 * into the command's stdin. The reply contains all of stdout; if stdout is too large, the reply is an error. Of stderr
 * the last 256 KiB are kept, after a line that reports how many bytes are missing.
 *
 * One thread at a time uses a reply. Its owner calls reply_free().
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

/* Returns -EFBIG once stdout alone exceeds the maximum of a reply, or -ENOMEM. */
int reply_add(struct reply *reply, enum command_stream stream, const char *data, size_t len);

/*
 * Sends the reply. Returns -EMSGSIZE, with the size in *ret_size, if the reply is larger than Lambda accepts; otherwise
 * the result of runtime_api_respond().
 */
int reply_send(struct reply *reply, struct http *api, const char *id, const struct command_end *end, size_t *ret_size);

void reply_free(struct reply *reply);

#endif
