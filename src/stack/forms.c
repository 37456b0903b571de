/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/forms.h"

#include <string.h>

#define DIGITS "0123456789"
#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define LARGE  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define POLICY_NAME_MAX 128
#define ACCOUNT_DIGITS	12

bool form_is_number(const char *s)
{
	size_t n = strspn(s, DIGITS);

	return n >= 1 && n <= 9 && !s[n] && (s[0] != '0' || n == 1);
}

/* Skips all parts of the form "-word" and counts them in *ret_n. */
static const char *form_skip_words(const char *s, unsigned *ret_n)
{
	for (*ret_n = 0; s[0] == '-' && strspn(s + 1, SMALL); ++*ret_n)
		s += 1 + strspn(s + 1, SMALL);
	return s;
}

/* Skips the region at the start of s; NULL if there is none. */
static const char *form_skip_region(const char *s)
{
	size_t n = strspn(s, SMALL);
	unsigned words;

	if (n < 2)
		return NULL;
	s = form_skip_words(s + n, &words);
	n = s[0] == '-' ? strspn(s + 1, DIGITS) : 0;
	return words && n ? s + 1 + n : NULL;
}

bool form_is_region(const char *s)
{
	const char *end = form_skip_region(s);

	return end && !*end;
}

bool form_is_zone(const char *s)
{
	const char *end = form_skip_region(s);

	return end && strspn(end, SMALL) == 1 && !end[1];
}

bool form_is_vpc_id(const char *s)
{
	size_t n;

	if (strncmp(s, "vpc-", 4) != 0)
		return false;
	n = strspn(s + 4, DIGITS "abcdef");
	return (n == 8 || n == 17) && !s[4 + n];
}

bool form_is_stage(const char *s)
{
	for (;;) {
		size_t n = strspn(s, SMALL DIGITS);

		if (!n)
			return false;
		s += n;
		if (!*s)
			return true;
		if (*s++ != '-')
			return false;
	}
}

bool form_is_absolute_path(const char *s)
{
	do {
		size_t n = *s == '/' ? strspn(s + 1, LARGE SMALL DIGITS "._-") : 0;

		if (!n)
			return false;
		s += 1 + n;
	} while (*s);
	return true;
}

bool form_has_dots(const char *path)
{
	for (const char *part = strchr(path, '/'); part; part = strchr(part + 1, '/')) {
		size_t n = strcspn(part + 1, "/");

		if ((n == 1 || n == 2) && strspn(part + 1, ".") >= n)
			return true;
	}
	return false;
}

/* A path ends in a slash and has no comma, blank or control character. */
static bool form_is_policy_path(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || s[i] == ',')
			return false;
	return true;
}

static bool form_is_policy_name(const char *s)
{
	size_t n = strspn(s, LARGE SMALL DIGITS "_+=.@-");

	return n >= 1 && n <= POLICY_NAME_MAX && !s[n];
}

bool form_is_policy_arn(const char *s)
{
	static const char service[] = ":iam::", kind[] = ":policy/";
	const char *name;
	unsigned words;

	if (strncmp(s, "arn:aws", 7) != 0)
		return false;
	s = form_skip_words(s + 7, &words);
	if (strncmp(s, service, strlen(service)) != 0)
		return false;
	s += strlen(service);
	if (strncmp(s, "aws", 3) == 0)
		s += 3;
	else if (strspn(s, DIGITS) == ACCOUNT_DIGITS)
		s += ACCOUNT_DIGITS;
	else
		return false;
	if (strncmp(s, kind, strlen(kind)) != 0)
		return false;
	s += strlen(kind);
	name = strrchr(s, '/');
	return name ? name > s && form_is_policy_path(s, (size_t)(name - s)) && form_is_policy_name(name + 1)
		    : form_is_policy_name(s);
}
