/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/words.h"

#include "base/buf.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX ((size_t)1 << 20)

struct words {
	char **list;
	size_t n;
};

void words_free(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

static int words_add(struct words *words, struct buf *word)
{
	char **longer = realloc(words->list, (words->n + 2) * sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	words->list = longer;
	longer[words->n] = strdup(buf_str(word));
	longer[words->n + 1] = NULL;
	buf_clear(word);
	return longer[words->n++] ? 0 : -ENOMEM;
}

/*
 * Appends the text between quotes. s points behind the opening quote. Returns the closing quote, or NULL if there is
 * none.
 */
static const char *words_quoted(const char *s, char quote, struct buf *word)
{
	for (; *s && *s != quote; s++) {
		if (quote == '"' && *s == '\\') {
			if (!s[1])
				return NULL;
			if (s[1] == '"' || s[1] == '\\')
				s++;
		}
		buf_putc(word, *s);
	}
	return *s ? s : NULL;
}

/* Appends the word that starts at *s and moves *s to its end. */
static int words_take(const char **s, struct buf *word)
{
	const char *c = *s;

	for (; *c && !strchr(" \t\r\n", *c); c++) {
		if (*c == '\'' || *c == '"')
			c = words_quoted(c + 1, *c, word);
		else if (*c == '\\')
			c = c[1] && buf_putc(word, c[1]) == 0 ? c + 1 : NULL;
		else
			buf_putc(word, *c);
		if (!c)
			return word->error ? word->error : -EINVAL;
	}
	*s = c;
	return word->error;
}

int words_split(const char *line, char ***ret)
{
	_buf_ struct buf word = BUF_INIT(WORD_MAX);
	struct words words = {.list = calloc(1, sizeof(char *))};
	int r = words.list ? 0 : -ENOMEM;

	while (r == 0) {
		line += strspn(line, " \t\r\n");
		if (!*line)
			break;
		r = words_take(&line, &word);
		if (r == 0)
			r = words_add(&words, &word);
	}
	if (r < 0) {
		words_free(words.list);
		words.list = NULL;
	}
	*ret = words.list;
	return r < 0 ? r : (int)words.n;
}

int words_integer(const char *text, long *ret)
{
	const char *c = text + strspn(text, " \t\r\n\f\v");
	bool negative = *c == '-';
	long n = 0;

	c += *c == '-' || *c == '+';
	if (*c < '0' || *c > '9')
		return -EINVAL;
	for (; *c >= '0' && *c <= '9'; c += c[1] == '_' && c[2] >= '0' && c[2] <= '9' ? 2 : 1)
		n = n > LONG_MAX / 10 - 1 ? LONG_MAX / 10 - 1 : n * 10 + (*c - '0');
	*ret = negative ? -n : n;
	return c[strspn(c, " \t\r\n\f\v")] ? -EINVAL : 0;
}
