/* SPDX-License-Identifier: BSD-3-Clause */
/* Decodes the output of a command in a container. Checks that output that arrives in pieces is the same as output that
 * arrives as a whole. */
#include "session/command.h"

#include "fuzz.h"

struct terminal {
	struct buf out, errors;
	int status, exits;
};

static void terminal_ready(const char *missing, void *arg)
{
	(void)missing, (void)arg;
}

static void terminal_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct terminal *t = arg;

	buf_append(is_stderr ? &t->errors : &t->out, data, len);
}

static void terminal_exited(int status, void *arg)
{
	((struct terminal *)arg)->status = status;
	((struct terminal *)arg)->exits++;
}

static const struct command_events events = {terminal_ready, terminal_output, terminal_exited};

static int terminal_run(enum command_kind kind, const uint8_t *data, size_t len, bool in_pieces, struct terminal *ret)
{
	static const uint8_t random[8] = {0};
	struct exec_command c;

	*ret = (struct terminal){.out = BUF_INIT(1 << 20), .errors = BUF_INIT(1 << 20), .status = -1};
	command_init(&c, kind, random, &events, ret);
	while (len) {
		size_t n = in_pieces ? fuzz_piece(data, len) : len;

		command_take(&c, data, n);
		data += n;
		len -= n;
	}
	command_flush(&c);
	return command_result(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct terminal whole, pieces;
	enum command_kind kind = len ? data[0] % 3 : 0;
	int r;

	if (!len)
		return 0;
	r = terminal_run(kind, data + 1, len - 1, false, &whole);
	fuzz_require(r == terminal_run(kind, data + 1, len - 1, true, &pieces));
	fuzz_require(whole.status == pieces.status && whole.exits == pieces.exits && whole.exits <= 1);
	fuzz_require(whole.out.len == pieces.out.len && whole.errors.len == pieces.errors.len);
	fuzz_require(!whole.out.len || memcmp(whole.out.data, pieces.out.data, whole.out.len) == 0);
	buf_free(&whole.out);
	buf_free(&whole.errors);
	buf_free(&pieces.out);
	buf_free(&pieces.errors);
	return 0;
}
