#include "image/challenge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One parameter: name="value" or name=value. Returns where the next begins. */
static const char *take_parameter(const char *text, char *name, size_t name_size, char *value, size_t value_size)
{
	size_t n = strcspn(text, "=, "), out = 0;

	snprintf(name, name_size, "%.*s", (int)n, text);
	value[0] = '\0';
	text += n;
	if (*text != '=')
		return text + (*text != '\0');
	text++;
	if (*text != '"') {
		n = strcspn(text, ", ");
		snprintf(value, value_size, "%.*s", (int)n, text);
		return text + n;
	}
	for (text++; *text && *text != '"'; text++) {
		if (*text == '\\' && text[1])
			text++;
		if (out + 1 < value_size)
			value[out++] = *text;
	}
	value[out] = '\0';
	return text + (*text == '"');
}

static void keep(struct challenge *c, const char *name, const char *value)
{
	if (strcasecmp(name, "realm") == 0)
		snprintf(c->realm, sizeof(c->realm), "%s", value);
	else if (strcasecmp(name, "service") == 0)
		snprintf(c->service, sizeof(c->service), "%s", value);
	else if (strcasecmp(name, "scope") == 0)
		snprintf(c->scope, sizeof(c->scope), "%s", value);
}

bool challenge_parse(const char *header, struct challenge *ret)
{
	char name[64], value[512];

	memset(ret, 0, sizeof(*ret));
	if (strncasecmp(header, "Basic", 5) == 0)
		return true;
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	ret->bearer = true;
	for (header += 7; *header; header += strspn(header, ", ")) {
		header = take_parameter(header, name, sizeof(name), value, sizeof(value));
		keep(ret, name, value);
	}
	return *ret->realm != '\0';
}
