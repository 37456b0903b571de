/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MAX      768 /* bytes of the program in a line of 1024 characters; a terminal accepts 4095 */
#define PLAIN_LINE_MAX 4000
#define END_OF_ALL     '~'
#define STATUS_MARK    '-'

/* The digits 0 to f of standard error. None is in the base64 alphabet, or special in double quotes or for tr. */
static const char error_digits[] = "!#%&()*,.:;<>?@_";

/*
 * The script is written between single quotes, so it must not contain a single quote. Each loop reads the available
 * data and encodes it at once, so that output is visible without delay; after a full block, when the program is faster
 * than the loop, one dd handles 64 blocks.
 */
static const char wrapper[] =
	"n=%s; a=\"%s\"; t=; "
	"for p in stty dd od tr; do command -v $p >/dev/null 2>&1 || t=\"$t $p\"; done; "
	"[ \"$(printf x | base64 -w0 2>/dev/null)\" = eA== ] || t=\"$t base64\"; "
	"stty -echo -opost 2>/dev/null; "
	"r() { while IFS= read -r l && [ \"$l\" != . ]; do printf %%s \"$l\" | base64 -d; done; }; "
	"o() { while x=$(dd bs=65536 count=1 2>/dev/null | base64 -w0); [ -n \"$x\" ]; do printf %%s \"$x\"; "
	"[ ${#x} -gt 80000 ] && dd bs=65536 count=64 2>/dev/null | base64 -w0; done; }; "
	"e() { while x=$(dd bs=4096 count=1 2>/dev/null | od -An -v -tx1 | tr -d \" \\n\" | tr 0-9a-f \"$a\"); "
	"[ -n \"$x\" ]; do printf %%s \"$x\"; done; }; "
	"q() { \"$@\" 2>&8 8>&- 9>&-; x=$?; printf %%s \"-$(printf %%02x $x | tr 0-9a-f \"$a\")-\" >&9; }; "
	"printf \"\\n$n$t;\"; IFS= read -r m; "
	"case $m in "
	"J) exec 9>&1 2>/dev/null; s=$(r; echo .); "
	"{ { q /bin/sh -c \"${s%%.}\" </dev/null | o >&9 8>&-; } 8>&1 | e >&9; }; printf \"~\";; "
	"S) exec 9>&1 2>/dev/null; { { r | q /bin/sh | o >&9 8>&-; } 8>&1 | e >&9; }; printf \"~\";; "
	"T) k=$(printf \"\\n.\"); s=; while IFS= read -r l && [ \"$l\" != $n ]; do s=\"$s$l${k%%.}\"; done; "
	"printf \"\\n$n<\"; /bin/sh -c \"$s\" </dev/null; printf \"$n:%%d;\" $?;; "
	"esac";

/* The mark is an escape sequence (OSC) that terminals do not display. */
static const char shell[] = "s=/bin/sh; command -v bash >/dev/null 2>&1 && s=bash; $s; "
			    "printf \"\\033]vastfs;%s;%%d\\007\" $?";

void command_init(struct exec_command *c, enum command_kind kind, const uint8_t random[8],
		  const struct command_events *events, void *arg)
{
	*c = (struct exec_command){.kind = kind, .events = events, .arg = arg, .nibble = -1};
	for (int i = 0; i < 8; i++)
		snprintf(c->nonce + (size_t)i * 2, 3, "%02x", random[i]);
	if (kind == COMMAND_SHELL) {
		c->plain = c->has_newlines = true;
		c->state = COMMAND_PRINTING;
	}
}

int command_line(const struct exec_command *c, struct buf *out)
{
	buf_puts(out, "/bin/sh -c '");
	if (c->kind == COMMAND_SHELL)
		buf_printf(out, shell, c->nonce);
	else
		buf_printf(out, wrapper, c->nonce, error_digits);
	buf_puts(out, "'");
	return out->error;
}

/* -- the program ----------------------------------------------------------------------------------------------- */

static int command_put_base64_line(const uint8_t *data, size_t len, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0) |
			     (i + 2 < len ? data[i + 2] : 0);

		buf_putc(out, digits[v >> 18]);
		buf_putc(out, digits[v >> 12 & 63]);
		buf_putc(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_putc(out, i + 2 < len ? digits[v & 63] : '=');
	}
	return buf_putc(out, '\n');
}

static int command_check_plain(const char *data, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)data[i];

		if ((ch < ' ' && ch != '\n' && ch != '\t') || ch == 0x7f)
			return -EINVAL;
		column = ch == '\n' ? 0 : column + 1;
		if (column > PLAIN_LINE_MAX)
			return -EFBIG;
	}
	return 0;
}

int command_program(struct exec_command *c, const void *data, size_t len, struct buf *out)
{
	int r = c->plain ? command_check_plain(data, len) : 0;

	if (r < 0)
		return r;
	if (!c->began_input)
		buf_puts(out, c->plain ? "T\n" : c->kind == COMMAND_JOB ? "J\n" : "S\n");
	c->began_input = true;
	if (c->plain)
		buf_append(out, data, len);
	for (size_t done = 0; !c->plain && done < len && !out->error; done += PIECE_MAX)
		command_put_base64_line((const uint8_t *)data + done, len - done < PIECE_MAX ? len - done : PIECE_MAX,
					out);
	return out->error;
}

int command_program_end(struct exec_command *c, struct buf *out)
{
	int r = command_program(c, "", 0, out);

	if (r < 0)
		return r;
	return c->plain ? buf_printf(out, "\n%s\n", c->nonce) : buf_puts(out, ".\n");
}

/* -- output ---------------------------------------------------------------------------------------------------- */

bool command_has_output(const struct exec_command *c)
{
	return c->out_n || c->errors_n;
}

void command_flush(struct exec_command *c)
{
	size_t out_n = c->out_n, errors_n = c->errors_n;

	c->out_n = c->errors_n = 0;
	if (out_n)
		c->events->output(false, c->out, out_n, c->arg);
	if (errors_n)
		c->events->output(true, c->errors, errors_n, c->arg);
}

static void command_put_byte(struct exec_command *c, uint8_t byte)
{
	c->out[c->out_n++] = byte;
	if (c->out_n == sizeof(c->out))
		command_flush(c);
}

static void command_put_error_byte(struct exec_command *c, uint8_t byte)
{
	c->errors[c->errors_n++] = byte;
	if (c->errors_n == sizeof(c->errors))
		command_flush(c);
}

/* -- wrapped output -------------------------------------------------------------------------------------------- */

enum { IS_NOTHING = -1, IS_PADDING = -2 };

static const int8_t base64_digits[256] = {
	['='] = IS_PADDING,
	/* The value is the digit plus 1, so that characters outside the alphabet are 0. */
	['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['+'] = 63,
	['/'] = 64};

static int command_base64_digit(char ch)
{
	int digit = base64_digits[(uint8_t)ch];

	return digit == IS_PADDING ? IS_PADDING : digit - 1;
}

/* Fast path: decodes whole groups of four digits. Returns the number of characters consumed. */
static size_t command_take_groups(struct exec_command *c, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t i;

	for (i = 0; c->quad_n == 0 && i + 4 <= len; i += 4) {
		int a = base64_digits[p[i]], b = base64_digits[p[i + 1]], d = base64_digits[p[i + 2]],
		    e = base64_digits[p[i + 3]];
		uint32_t v;

		if (a <= 0 || b <= 0 || d <= 0 || e <= 0)
			break;
		v = (uint32_t)(a - 1) << 18 | (uint32_t)(b - 1) << 12 | (uint32_t)(d - 1) << 6 | (uint32_t)(e - 1);
		if (c->out_n + 3 > sizeof(c->out))
			command_flush(c);
		c->out[c->out_n++] = (uint8_t)(v >> 16);
		c->out[c->out_n++] = (uint8_t)(v >> 8);
		c->out[c->out_n++] = (uint8_t)v;
	}
	return i;
}

/* Blocks are encoded one by one, so padding may be followed by more data. */
static void command_take_digit(struct exec_command *c, int digit)
{
	if (digit == IS_PADDING)
		c->padding++;
	else if (c->padding)
		c->damaged = true;
	c->quad = c->quad << 6 | (digit < 0 ? 0 : (uint32_t)digit);
	if (++c->quad_n < 4)
		return;
	command_put_byte(c, (uint8_t)(c->quad >> 16));
	if (c->padding < 2)
		command_put_byte(c, (uint8_t)(c->quad >> 8));
	if (c->padding < 1)
		command_put_byte(c, (uint8_t)c->quad);
	if (c->padding > 2)
		c->damaged = true;
	c->quad = c->quad_n = c->padding = 0;
}

/* Two digits are a byte. The exit status arrives in one piece, possibly between the two digits of a byte. */
static void command_take_error_digit(struct exec_command *c, int digit)
{
	if (c->in_status) {
		c->status = (c->status << 4 | (unsigned)digit) & 0xff;
		c->status_n++;
	} else if (c->nibble < 0) {
		c->nibble = digit;
	} else {
		command_put_error_byte(c, (uint8_t)(c->nibble << 4 | digit));
		c->nibble = -1;
	}
}

static void command_take_status_mark(struct exec_command *c)
{
	c->in_status = !c->in_status;
	if (c->in_status) {
		c->status_n = 0;
	} else if (c->status_n != 2 || c->has_exited) {
		c->damaged = true;
	} else {
		c->has_exited = true;
		command_flush(c);
		c->events->exited((int)c->status, c->arg);
	}
}

static void command_take_wrapped(struct exec_command *c, char ch)
{
	int digit = command_base64_digit(ch);
	const char *error_digit = NULL;

	if (digit != IS_NOTHING) {
		command_take_digit(c, digit);
	} else if (ch == END_OF_ALL) {
		c->state = COMMAND_ENDED;
	} else if (ch == STATUS_MARK) {
		command_take_status_mark(c);
	} else if (ch && (error_digit = strchr(error_digits, ch))) {
		command_take_error_digit(c, (int)(error_digit - error_digits));
	}
	/* Other characters (newline, carriage return) are added by the terminal. */
}

/* -- marks ----------------------------------------------------------------------------------------------------- */

static void command_mark(const struct exec_command *c, char mark[static 64])
{
	if (c->kind == COMMAND_SHELL)
		snprintf(mark, 64, "\033]vastfs;%s;", c->nonce);
	else if (c->state == COMMAND_GREETING)
		snprintf(mark, 64, "%s", c->nonce);
	else
		snprintf(mark, 64, "%s%c", c->nonce, c->state == COMMAND_PROGRAM ? '<' : ':');
}

/* Reports bytes that are not part of a mark. */
static void command_put_plain(struct exec_command *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len && c->state == COMMAND_PRINTING; i++)
		command_put_byte(c, (uint8_t)data[i]);
}

/* True when the held bytes are the whole mark. Bytes that can no longer be part of one are reported at once. */
static bool command_hold(struct exec_command *c, char ch)
{
	char mark[64], first = c->kind == COMMAND_SHELL ? '\033' : c->nonce[0];
	size_t len;

	if (!c->held_n && ch != first) {
		command_put_plain(c, &ch, 1);
		return false;
	}
	command_mark(c, mark);
	len = strlen(mark);
	c->held[c->held_n++] = ch;
	while (c->held_n && memcmp(c->held, mark, c->held_n) != 0) {
		command_put_plain(c, c->held, 1);
		memmove(c->held, c->held + 1, --c->held_n);
	}
	if (c->held_n < len)
		return false;
	c->held_n = 0;
	return true;
}

static void command_greeted(struct exec_command *c)
{
	const char *missing = c->words + (c->words[0] == ' ');

	c->plain = *missing != '\0';
	c->has_newlines = !strstr(c->words, " stty");
	c->state = c->plain ? COMMAND_PROGRAM : COMMAND_PRINTING;
	c->events->ready(missing, c->arg);
}

/* Collects the characters between a mark and `end`; true at the end. */
static bool command_take_words(struct exec_command *c, char ch, char end)
{
	if (ch != end && c->words_n + 1 < sizeof(c->words)) {
		c->words[c->words_n++] = ch;
		return false;
	}
	c->words[c->words_n] = '\0';
	return true;
}

static void command_exited(struct exec_command *c)
{
	command_flush(c);
	c->state = COMMAND_ENDED;
	c->events->exited(atoi(c->words), c->arg);
}

static void command_take_plain(struct exec_command *c, char ch)
{
	switch (c->state) {
	case COMMAND_PROGRAM:
		if (command_hold(c, ch))
			c->state = COMMAND_PRINTING;
		break;
	case COMMAND_PRINTING:
		if (command_hold(c, ch)) {
			c->words_n = 0;
			c->state = COMMAND_STATUS;
		}
		break;
	case COMMAND_STATUS:
		if (command_take_words(c, ch, c->kind == COMMAND_SHELL ? '\a' : ';'))
			command_exited(c);
		break;
	default:
		break;
	}
}

/* The terminal turns each newline into CR LF; carriage returns of the program itself are preserved. */
static void command_take_terminal(struct exec_command *c, char ch)
{
	if (!c->has_newlines && ch == '\r') {
		if (c->returns++)
			command_take_plain(c, '\r');
		return;
	}
	if (c->returns && ch != '\n')
		command_take_plain(c, '\r');
	c->returns = 0;
	command_take_plain(c, ch);
}

static void command_take_greeting(struct exec_command *c, char ch)
{
	if (c->in_status) {
		if (!command_take_words(c, ch, ';'))
			return;
		c->in_status = false;
		command_greeted(c);
		c->words_n = 0;
	} else if (command_hold(c, ch)) {
		c->in_status = true;
		c->words_n = 0;
	}
}

void command_take(struct exec_command *c, const void *data, size_t len)
{
	const char *p = data;

	for (size_t i = 0; i < len && c->state != COMMAND_ENDED; i++) {
		if (c->state == COMMAND_GREETING) {
			command_take_greeting(c, p[i]);
		} else if (c->plain) {
			command_take_terminal(c, p[i]);
		} else {
			i += command_take_groups(c, p + i, len - i);
			if (i < len)
				command_take_wrapped(c, p[i]);
		}
	}
}

int command_result(const struct exec_command *c)
{
	if (c->state != COMMAND_ENDED)
		return -EAGAIN;
	/* The part of the script that prints the exit status may have been killed, for instance for lack of memory. */
	if (!c->plain && !c->has_exited)
		return -EBADMSG;
	return c->damaged || c->quad_n || c->nibble >= 0 ? -EBADMSG : 0;
}
