/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/command_line.h"

#include "stack/environment.h"

#include <stdint.h>
#include <string.h>

#define OPERATORS    ";&|()<>"
#define WORD_END     " \t\n" OPERATORS
#define LITERAL_SIZE 16 /* buffer for a program's name; longer names are not in the tables below */

struct scan {
	const char *line;
	size_t at;	/* offset of the next character, or of the mistake */
	size_t program; /* offset of the program's word; SIZE_MAX: not found yet */
	struct error *err;
};

/* Reserved words: they start or continue a compound command, or precede a pipeline. */
static const char *const keywords[] = {"!",    "[[",	 "{",	 "}",	 "case",  "coproc", "do",
				       "done", "elif",	 "else", "esac", "fi",	  "for",    "function",
				       "if",   "select", "then", "time", "until", "while"};

/*
 * Utilities of sh, bash, dash and busybox that act on the shell itself: as programs they do not exist or have no
 * effect.
 */
static const char *const builtins[] = {
	".",	     ":",	 "alias",   "bg",	"bind",	   "break",    "builtin", "caller",  "cd",
	"chdir",     "command",	 "compgen", "complete", "compopt", "continue", "declare", "dirs",    "disown",
	"enable",    "eval",	 "exit",    "export",	"fc",	   "fg",       "getopts", "hash",    "help",
	"history",   "jobs",	 "let",	    "local",	"logout",  "mapfile",  "popd",	  "pushd",   "read",
	"readarray", "readonly", "return",  "set",	"shift",   "shopt",    "source",  "suspend", "times",
	"trap",	     "type",	 "typeset", "ulimit",	"umask",   "unalias",  "unset",	  "wait"};

static bool command_is_in(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

static int command_refuse(struct scan *s, size_t at, const char *what, const char *why)
{
	s->at = at;
	error_set(s->err, -EINVAL, "'%s' %s", what, why);
	error_remedy(s->err, "pass it to a shell as an argument, with exec before the server: vast_command = sh -c "
			     "'ulimit -n 65536; exec vast start'");
	return -EINVAL;
}

static int command_refuse_unclosed(struct scan *s, size_t at, const char *what)
{
	s->at = at;
	return error_set(s->err, -EINVAL, "the %s is not closed", what);
}

static int command_scan_expansion(struct scan *s, bool quoted);

/* A backslash and the character that it quotes. */
static int command_scan_backslash(struct scan *s)
{
	if (!s->line[s->at + 1])
		return error_set(s->err, -EINVAL, "the backslash at the end quotes nothing");
	s->at += 2;
	return 0;
}

static int command_scan_single_quotes(struct scan *s)
{
	const char *end = strchr(s->line + s->at + 1, '\'');

	if (!end)
		return command_refuse_unclosed(s, s->at, "quote '");
	s->at = (size_t)(end - s->line) + 1;
	return 0;
}

/* A part that is closed by the character that opens it: " or `. Inside ` only the backslash is special. */
static int command_scan_to_same(struct scan *s)
{
	size_t start = s->at++;
	char close = s->line[start];

	while (s->line[s->at] != close) {
		int r = 0;

		if (!s->line[s->at])
			return command_refuse_unclosed(s, start, close == '"' ? "quote \"" : "command substitution `");
		if (s->line[s->at] == '\\')
			r = command_scan_backslash(s);
		else if (close == '"' && strchr("$`", s->line[s->at]))
			r = command_scan_expansion(s, true);
		else
			s->at++;
		if (r < 0)
			return r;
	}
	s->at++;
	return 0;
}

/* One character that is not blank, or the whole quotation or expansion that starts there. */
static int command_scan_part(struct scan *s, bool quoted)
{
	switch (s->line[s->at]) {
	case '\\':
		return command_scan_backslash(s);
	case '\'':
		if (!quoted)
			return command_scan_single_quotes(s);
		break;
	case '"':
		return command_scan_to_same(s);
	case '$':
	case '`':
		return command_scan_expansion(s, quoted);
	default:
		break;
	}
	s->at++;
	return 0;
}

/* From $( or ${ to its end. Parentheses nest; a brace alone is text. */
static int command_scan_to_other(struct scan *s, bool quoted)
{
	size_t start = s->at, depth = 1;
	bool parentheses = s->line[start + 1] == '(';
	char close = parentheses ? ')' : '}';

	/* Inside $(...) single quotes are special even between double quotes. */
	quoted = quoted && !parentheses;
	for (s->at += 2; depth > 0;) {
		int r = 0;

		if (!s->line[s->at])
			return command_refuse_unclosed(s, start,
						       parentheses ? "command substitution $(" : "expansion ${");
		if (s->line[s->at] == close || (parentheses && s->line[s->at] == '('))
			depth = s->line[s->at++] == close ? depth - 1 : depth + 1;
		else
			r = command_scan_part(s, quoted);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An expansion that starts with $ or `; quoted: between double quotes. */
static int command_scan_expansion(struct scan *s, bool quoted)
{
	char next = s->line[s->at + 1];

	if (s->line[s->at] == '`')
		return command_scan_to_same(s);
	if (next == '(' || next == '{')
		return command_scan_to_other(s, quoted);
	if (next == '\'' && !quoted)
		return error_set(s->err, -EINVAL, "not every shell supports $'...'; use '...' or \"...\"");
	s->at += next == '$' ? 2 : 1;
	return 0;
}

static int command_scan_word(struct scan *s)
{
	while (s->line[s->at] && !strchr(WORD_END, s->line[s->at])) {
		int r = command_scan_part(s, false);

		if (r < 0)
			return r;
	}
	return 0;
}

static void command_scan_blanks(struct scan *s)
{
	s->at += strspn(s->line + s->at, " \t");
}

/* Whether the word that ends here is the descriptor number of the redirection that follows. */
static bool command_is_descriptor(const struct scan *s, size_t start)
{
	return s->at > start && strspn(s->line + start, "0123456789") == s->at - start && s->line[s->at] &&
	       strchr("<>", s->line[s->at]);
}

/* A redirection: the operator, < or >, and the word after it. */
static int command_scan_redirection(struct scan *s)
{
	size_t start = s->at, target;
	int r = 0;

	if (strncmp(s->line + s->at, "<<", 2) == 0)
		return command_refuse(s, start, "<<", "needs further lines, but a setting is one line");
	s->at++;
	if (s->line[s->at] && strchr(s->line[start] == '<' ? "&>" : "&>|", s->line[s->at]))
		s->at++;
	command_scan_blanks(s);
	target = s->at;
	if (s->line[target] != '#')
		r = command_scan_word(s);
	if (r == 0 && (s->at == target || command_is_descriptor(s, target))) {
		s->at = start;
		return error_set(s->err, -EINVAL, "the redirection '%c' names no file", s->line[start]);
	}
	return r;
}

static int command_scan_operator(struct scan *s)
{
	const char *at = s->line + s->at;
	char text[3] = {at[0], at[1] == at[0] && strchr("&|;", at[0]) ? at[0] : '\0', '\0'};

	if (*at == '<' || *at == '>')
		return command_scan_redirection(s);
	if (*at == '(' || *at == ')')
		return command_refuse(s, s->at, text, "groups commands, but the server must be one program");
	if (*at == '&' && !text[1])
		return command_refuse(s, s->at, text,
				      "runs the command in the background, but the server must be process 1");
	return command_refuse(s, s->at, *at == '\n' ? "newline" : text,
			      "joins commands, but the server must be one process");
}

/* The word without its quotes; "" if it is too long, or if only the shell's expansion determines it. */
static void command_literal_of(const char *word, size_t len, char out[static LITERAL_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (strchr("'\"\\", word[i]))
			continue;
		if (strchr("$`", word[i]) || n == LITERAL_SIZE - 1) {
			n = 0;
			break;
		}
		out[n++] = word[i];
	}
	out[n] = '\0';
}

static int command_scan_program(struct scan *s, size_t start)
{
	char name[LITERAL_SIZE];

	s->program = start;
	command_literal_of(s->line + start, s->at - start, name);
	if (strcmp(name, "exec") == 0) {
		s->at = start;
		return error_set(s->err, -EINVAL, "the leading exec must be left out: vastfs adds it");
	}
	if (command_is_in(name, keywords, ARRAY_SIZE(keywords)))
		return command_refuse(s, start, name, "is a keyword of the shell, but the server must be one program");
	if (command_is_in(name, builtins, ARRAY_SIZE(builtins)))
		return command_refuse(s, start, name, "is built into the shell, but the server must be a program");
	return 0;
}

/* A word that is not the target of a redirection: a descriptor number, an assignment, the program, or an argument. */
static int command_scan_next_word(struct scan *s)
{
	size_t start = s->at, len;
	int r = command_scan_word(s);

	len = s->at - start;
	if (r < 0 || s->program != SIZE_MAX || environment_name_length(s->line + start, len) > 0)
		return r;
	return command_is_descriptor(s, start) ? 0 : command_scan_program(s, start);
}

static int command_scan_line(struct scan *s)
{
	int r = 0;

	for (command_scan_blanks(s); r == 0 && s->line[s->at] && s->line[s->at] != '#'; command_scan_blanks(s))
		r = strchr("\n" OPERATORS, s->line[s->at]) ? command_scan_operator(s) : command_scan_next_word(s);
	if (r == 0 && s->program == SIZE_MAX) {
		s->at = 0;
		return error_set(s->err, -EINVAL, "the value contains no command");
	}
	return r;
}

int command_line_check(const char *line, struct error *err)
{
	struct scan s = {.line = line, .program = SIZE_MAX, .err = err};

	return command_scan_line(&s);
}

size_t command_line_fault(const char *line)
{
	struct scan s = {.line = line, .program = SIZE_MAX};

	return command_scan_line(&s) < 0 ? s.at : 0;
}

int command_line_write(const char *line, struct buf *out)
{
	struct scan s = {.line = line, .program = SIZE_MAX};
	int r = command_scan_line(&s);

	if (r < 0)
		return r;
	buf_append(out, line, s.program);
	buf_puts(out, COMMAND_LINE_EXEC);
	buf_puts(out, line + s.program);
	return out->error;
}
