/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/challenge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
#define TOKEN  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *challenge_skip(const char *s, const char *what)
{
	return s + strspn(s, what);
}

/* Copies the value without quotes and backslashes; "" if it is too long. Returns the position behind it. */
static const char *challenge_take_value(const char *s, char *value, size_t size)
{
	bool quoted = *s == '"', whole = true;
	size_t n = 0;

	for (s += quoted; *s && (quoted ? *s != '"' : !strchr("," BLANKS, *s)); s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		if (n + 1 < size)
			value[n++] = *s;
		else
			whole = false;
	}
	value[whole ? n : 0] = '\0';
	return s + (quoted && *s == '"');
}

/* One parameter: name="value" or name=value. Returns the position behind it; NULL: there is no parameter. */
static const char *challenge_take_parameter(const char *s, struct challenge *c)
{
	char value[1024];
	size_t n = strspn(s, TOKEN);
	const char *equals = challenge_skip(s + n, BLANKS), *behind;

	if (!n || *equals != '=')
		return NULL;
	behind = challenge_take_value(challenge_skip(equals + 1, BLANKS), value, sizeof(value));
	if (n == strlen("realm") && strncasecmp(s, "realm", n) == 0)
		snprintf(c->realm, sizeof(c->realm), "%s", value);
	else if (n == strlen("service") && strncasecmp(s, "service", n) == 0)
		snprintf(c->service, sizeof(c->service), "%s", value);
	else if (n == strlen("scope") && strncasecmp(s, "scope", n) == 0)
		snprintf(c->scope, sizeof(c->scope), "%s", value);
	return behind;
}

static enum challenge_scheme challenge_scheme_of(const char *s, size_t n)
{
	if (n == strlen("Basic") && strncasecmp(s, "Basic", n) == 0)
		return CHALLENGE_BASIC;
	if (n == strlen("Bearer") && strncasecmp(s, "Bearer", n) == 0)
		return CHALLENGE_BEARER;
	return CHALLENGE_UNKNOWN;
}

/* A scheme may carry data that is no parameter (the token68 of Negotiate); it is parsed as one more, unknown scheme. */
bool challenge_next(const char **list, struct challenge *ret)
{
	const char *s = challenge_skip(*list, "," BLANKS), *behind;
	size_t n = strspn(s, TOKEN);

	memset(ret, 0, sizeof(*ret));
	if (!*s)
		return false;
	ret->scheme = challenge_scheme_of(s, n);
	s = n ? s + n : strchrnul(s, ',');
	while ((behind = challenge_take_parameter(challenge_skip(s, "," BLANKS), ret)))
		s = behind;
	*list = s;
	if (ret->scheme == CHALLENGE_BEARER && !*ret->realm)
		ret->scheme = CHALLENGE_UNKNOWN;
	return true;
}
