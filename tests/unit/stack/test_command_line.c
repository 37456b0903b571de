/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The line that the shell receives: exec precedes the program, wherever assignments and redirections are. */
static void test_simple_commands(void **state)
{
	static const struct {
		const char *line, *written;
	} rows[] = {
		{"vast start", "exec vast start"},
		{" \tvast start ", " \texec vast start "},
		{"FOO=all sh -c 'echo $FOO'", "FOO=all exec sh -c 'echo $FOO'"},
		{"A=1 _b2='x y' C=\"$HOME/a b\" D= vast", "A=1 _b2='x y' C=\"$HOME/a b\" D= exec vast"},
		{"A=`date` B=$(echo a; echo b) vast", "A=`date` B=$(echo a; echo b) exec vast"},
		{"A=x\\ y vast", "A=x\\ y exec vast"},
		{"2>/dev/null A=1 >> /tmp/log vast", "2>/dev/null A=1 >> /tmp/log exec vast"},
		{"vast 2>&1 >|/tmp/x </dev/null 3<>/tmp/y 4>&-", "exec vast 2>&1 >|/tmp/x </dev/null 3<>/tmp/y 4>&-"},
		{"vast>/tmp/x", "exec vast>/tmp/x"},
		{"vast A=1 if cd { } !", "exec vast A=1 if cd { } !"},
		{"vast ';' \"&&\" '|' \\; \\| a\\&b", "exec vast ';' \"&&\" '|' \\; \\| a\\&b"},
		{"vast \"a'b\" 'a\"b' \"a\\\"b\"", "exec vast \"a'b\" 'a\"b' \"a\\\"b\""},
		{"vast '\\'", "exec vast '\\'"},
		{"vast \"$(echo \"a;b\" ')' \")\")\"", "exec vast \"$(echo \"a;b\" ')' \")\")\""},
		{"vast $((1 + (2))) $(a && (b; c))", "exec vast $((1 + (2))) $(a && (b; c))"},
		{"vast ${A:-'}'} ${B:-\"}\"} ${C:-${D}}", "exec vast ${A:-'}'} ${B:-\"}\"} ${C:-${D}}"},
		{"vast \"${A:-it's}\"", "exec vast \"${A:-it's}\""},
		{"vast \"$'\" $ a$", "exec vast \"$'\" $ a$"},
		{"vast `echo \\`pwd\\`; echo`", "exec vast `echo \\`pwd\\`; echo`"},
		{"$SERVER start", "exec $SERVER start"},
		{"vast ${A:-{} b", "exec vast ${A:-{} b"},
		{"vast $$ ${$} $$'x y' \"$$(\"", "exec vast $$ ${$} $$'x y' \"$$(\""},
		{"vast 2>&1 >2 </tmp/2", "exec vast 2>&1 >2 </tmp/2"},
		{"\"/opt/my server/run\"", "exec \"/opt/my server/run\""},
		{"A+=1", "exec A+=1"},
		{"1A=1 x", "exec 1A=1 x"},
		{"'A=1' x", "exec 'A=1' x"},
		{"42", "exec 42"},
		{"vast start # it's a comment; really", "exec vast start # it's a comment; really"},
		{"vast a#b", "exec vast a#b"},
		{"cdrom", "exec cdrom"},
		{"./cd", "exec ./cd"},
		{"echo", "exec echo"},
		{"vast gr\xc3\xbc\xc3\x9f", "exec vast gr\xc3\xbc\xc3\x9f"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf out = BUF_INIT(1000);
		struct error err = {0};

		if (command_line_check(rows[i].line, &err) < 0)
			fail_msg("%s: %s", rows[i].line, err.message);
		assert_int_equal(command_line_write(rows[i].line, &out), 0);
		assert_string_equal(buf_str(&out), rows[i].written);
	}
}

/* The builtins of bash (`compgen -b`) and busybox (`help`) that do not exist as programs, too. */
static void test_every_builtin(void **state)
{
	static const char *const names[] = {
		".",	     ":",	 "alias",   "bg",	"bind",	   "break",    "builtin", "caller",  "cd",
		"chdir",     "command",	 "compgen", "complete", "compopt", "continue", "declare", "dirs",    "disown",
		"enable",    "eval",	 "exit",    "export",	"fc",	   "fg",       "getopts", "hash",    "help",
		"history",   "jobs",	 "let",	    "local",	"logout",  "mapfile",  "popd",	  "pushd",   "read",
		"readarray", "readonly", "return",  "set",	"shift",   "shopt",    "source",  "suspend", "times",
		"trap",	     "type",	 "typeset", "ulimit",	"umask",   "unalias",  "unset",	  "wait"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = {0};
		char line[64];

		snprintf(line, sizeof(line), "%s x", names[i]);
		if (command_line_check(line, &err) == 0)
			fail_msg("%s is taken for a program", names[i]);
		assert_non_null(strstr(err.message, "is built into the shell"));
	}
}

/* Each line is refused at the given byte, with a message that contains the text. */
static void test_what_is_refused(void **state)
{
	static const struct {
		const char *line;
		size_t at;
		const char *words;
	} rows[] = {
		{"time vast start", 0, "'time' is a keyword"},
		{"coproc vast start", 0, "'coproc' is a keyword"},
		{"ulimit -n 512; sh", 0, "'ulimit' is built into the shell"},
		{"cd /var && sh", 0, "'cd' is built into the shell"},
		{"A=1 cd /var", 4, "'cd' is built into the shell"},
		{"'cd' /var", 0, "'cd' is built into the shell"},
		{"c\\d /var", 0, "'cd' is built into the shell"},
		{"export A=1", 0, "'export' is built"},
		{". /etc/profile", 0, "'.' is built"},
		{"source x", 0, "'source' is built"},
		{"eval vast", 0, "'eval' is built"},
		{": vast", 0, "':' is built"},
		{"exec vast", 0, "the leading exec must be left out"},
		{"A=1 exec vast", 4, "the leading exec must be left out"},
		{"if true; then vast; fi", 0, "'if' is a keyword"},
		{"while :; do vast; done", 0, "'while' is a keyword"},
		{"! vast", 0, "'!' is a keyword"},
		{"{ vast; }", 0, "'{' is a keyword"},
		{"vast; sync", 4, "';' joins commands"},
		{"vast;", 4, "';' joins commands"},
		{"vast && sync", 5, "'&&' joins commands"},
		{"vast || sync", 5, "'||' joins commands"},
		{"vast | tee x", 5, "'|' joins commands"},
		{"vast |& tee x", 5, "'|' joins commands"},
		{"vast\nsync", 4, "'newline' joins commands"},
		{"vast &", 5, "'&' runs the command in the background"},
		{"vast &>x", 5, "'&' runs the command in the background"},
		{"(vast)", 0, "'(' groups commands"},
		{"vast (x", 5, "'(' groups commands"},
		{"vast )", 5, "')' groups commands"},
		{"f() { vast; }", 1, "'(' groups commands"},
		{"A=(1 2) vast", 2, "'(' groups commands"},
		{"vast <(x)", 5, "the redirection '<' names no file"},
		{"vast <<EOF", 5, "'<<' needs further lines"},
		{"vast >", 5, "the redirection '>' names no file"},
		{"vast ># x", 5, "the redirection '>' names no file"},
		{"vast <|x", 5, "the redirection '<' names no file"},
		{"vast >2>x", 5, "the redirection '>' names no file"},
		{"vast $$(x)", 7, "'(' groups commands"},
		{"vast > ; x", 5, "the redirection '>' names no file"},
		{"vast 'x", 5, "the quote ' is not closed"},
		{"vast it's", 7, "the quote ' is not closed"},
		{"vast \"x", 5, "the quote \" is not closed"},
		{"vast \"x\\\"", 5, "the quote \" is not closed"},
		{"vast `x", 5, "` is not closed"},
		{"vast $(x", 5, "$( is not closed"},
		{"vast $(x ')'", 5, "$( is not closed"},
		{"vast \"$(x\"", 9, "the quote \" is not closed"},
		{"vast ${x", 5, "${ is not closed"},
		{"vast $((1)", 5, "$( is not closed"},
		{"vast \\", 5, "the backslash at the end"},
		{"vast $'x'", 5, "not every shell supports $'...'"},
		{"", 0, "no command"},
		{"  ", 0, "no command"},
		{"# vast", 0, "no command"},
		{"A=1 B=2", 0, "no command"},
		{">/tmp/x", 0, "no command"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {0};

		assert_int_equal(command_line_check(rows[i].line, &err), -EINVAL);
		if (!strstr(err.message, rows[i].words) || command_line_fault(rows[i].line) != rows[i].at)
			fail_msg("%s: at %zu \"%s\"", rows[i].line, command_line_fault(rows[i].line), err.message);
		assert_int_equal(command_line_check(rows[i].line, NULL), -EINVAL);
	}
}

static void test_remedy_shows_the_way(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(command_line_check("cd /var && vast start", &err), -EINVAL);
	assert_non_null(strstr(err.remedy, "sh -c '"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple_commands),
		cmocka_unit_test(test_every_builtin),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_remedy_shows_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
