/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual.c - makes a manual page from its template. The build runs it: manual TEMPLATE >PAGE
 *
 * A line of the template that reads ".\" insert NAME" is replaced by a list that is made from one of vastfs's tables:
 * the files of the tree, the settings, the verbs of control/ or the mount options. "@version@" becomes the version. All
 * other lines are copied. The language is man(7).
 */
#include "base/cleanup.h"
#include "fs/file.h"
#include "fs/tree.h"
#include "model/model.h"
#include "options.h"
#include "stack/settings.h"

#include <stdlib.h>
#include <string.h>

#define INSERT ".\\\" insert "

#define WIDTH 72 /* most characters in a line of the page's source */

/*
 * Prints a word with roff's special characters escaped, so that no part of it is read as a request, an escape or a
 * hyphen.
 */
static void manual_put_word(const char *word, size_t len)
{
	if (*word == '.' || *word == '\'')
		fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else if (word[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(word[i]);
	}
}

static void manual_put_text(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column)
			putchar(column + len >= WIDTH ? '\n' : ' ');
		column = column + len >= WIDTH ? len : column + len + 1;
		manual_put_word(text, len);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* Begins an item of a list. font is B or I, as in man(7); end is printed after the name. */
static void manual_put_item(char font, const char *name, const char *end)
{
	printf(".TP\n\\f%c", font);
	manual_put_word(name, strlen(name));
	printf("%s\\fR\n", end);
}

static void manual_put_files(void)
{
	for (size_t i = 1; i < tree_rows_n; i++) {
		const struct row *row = &tree_rows[i];

		if (row->class == &class_control)
			continue; /* the file of a verb; verbs have their own list */
		manual_put_item('I', row->path, row->type == ROW_DIR ? "/" : "");
		manual_put_text(row->help);
	}
}

static void manual_put_verbs(void)
{
	for (size_t i = 0; i < model_verbs_n; i++) {
		const struct verb *verb = &model_verbs[i];

		manual_put_item('I', verb->name, "");
		manual_put_text(verb->help);
		if (verb->argument)
			printf("The word \\fB%s\\fR can be written instead of 1.\n", verb->argument);
	}
}

static void manual_put_settings(void)
{
	for (enum setting key = 0; key < SETTING_COUNT; key++) {
		const struct setting_rule *rule = setting_rule(key);

		manual_put_item('B', rule->key, "");
		manual_put_text(rule->help);
		if (rule->fallback) {
			fputs("(default: \\fB", stdout);
			manual_put_word(rule->fallback, strlen(rule->fallback));
			puts("\\fR)");
		} else if (rule->required) {
			puts("(required)");
		}
	}
}

static void manual_put_options(void)
{
	const struct options_help *word;

	for (size_t i = 0; (word = options_help(i)); i++) {
		printf(".TP\n\\fB%s%s\\fR", word->name, word->value ? "=" : "");
		if (word->value)
			printf("\\fI%s\\fR", word->value);
		putchar('\n');
		manual_put_text(word->help);
	}
}

static const struct manual_table {
	const char *name;
	void (*put)(void);
} manual_tables[] = {
	{"files", manual_put_files},
	{"verbs", manual_put_verbs},
	{"settings", manual_put_settings},
	{"options", manual_put_options},
};

static int manual_insert(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(manual_tables); i++) {
		if (strcmp(manual_tables[i].name, name) == 0) {
			manual_tables[i].put();
			return 0;
		}
	}
	fprintf(stderr, "manual: there is no table %s\n", name);
	return -1;
}

static void manual_copy(const char *line)
{
	const char *at = strstr(line, "@version@");

	if (at)
		printf("%.*s%s%s", (int)(at - line), line, VASTFS_VERSION, at + strlen("@version@"));
	else
		fputs(line, stdout);
}

int main(int argc, char **argv)
{
	_cleanup_(fclose_cleanup) FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	_free_ char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!template) {
		fprintf(stderr, "usage: manual TEMPLATE\n");
		return EXIT_FAILURE;
	}
	while ((len = getline(&line, &room, template)) > 0) {
		if (strncmp(line, INSERT, strlen(INSERT)) != 0) {
			manual_copy(line);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		if (manual_insert(line + strlen(INSERT)) < 0)
			return EXIT_FAILURE;
	}
	return ferror(stdout) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
