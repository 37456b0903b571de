/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

#define JSMN_STATIC
#define JSMN_STRICT
#include <jsmn.h>

/* Many more than an event has. The limit bounds the memory that a hostile event can use. */
#define EVENT_TOKENS 1024

struct event_fields {
	const jsmntok_t *version;
	const jsmntok_t *command;
	const jsmntok_t *endpoint;
	const jsmntok_t *stream;
	const jsmntok_t *deflate;
	const jsmntok_t *input;
	const jsmntok_t *input_encoding;
};

static bool event_token_is(const char *json, const jsmntok_t *token, const char *text)
{
	size_t len = (size_t)(token->end - token->start);

	return strlen(text) == len && memcmp(json + token->start, text, len) == 0;
}

/* Returns the index of the token that follows the token `at` and everything inside it. */
static int event_token_skip(const jsmntok_t *tokens, int count, int at)
{
	int end = tokens[at].end;

	do
		at++;
	while (at < count && tokens[at].start < end);
	return at;
}

static const jsmntok_t **event_field(const char *json, const jsmntok_t *key, struct event_fields *fields)
{
	if (event_token_is(json, key, "v"))
		return &fields->version;
	if (event_token_is(json, key, "cmd"))
		return &fields->command;
	if (event_token_is(json, key, "endpoint"))
		return &fields->endpoint;
	if (event_token_is(json, key, "stream"))
		return &fields->stream;
	if (event_token_is(json, key, "deflate"))
		return &fields->deflate;
	if (event_token_is(json, key, "stdin"))
		return &fields->input;
	if (event_token_is(json, key, "stdin_encoding"))
		return &fields->input_encoding;
	return NULL;
}

/* jsmn accepts keys without a value and duplicate keys, so this function checks both. */
static const char *event_fields_find(const char *json, const jsmntok_t *tokens, int count, struct event_fields *fields)
{
	for (int at = 1; at < count; at = event_token_skip(tokens, count, at + 1)) {
		const jsmntok_t **field;

		if (tokens[at].type != JSMN_STRING || tokens[at].size != 1 || at + 1 >= count)
			return "the event is not valid JSON";
		field = event_field(json, &tokens[at], fields);
		if (!field)
			continue;
		if (*field)
			return "the event has a key twice";
		if (!event_token_is(json, &tokens[at + 1], "null") || tokens[at + 1].type != JSMN_PRIMITIVE)
			*field = &tokens[at + 1];
	}
	return NULL;
}

static bool event_only_white(const char *text, size_t len)
{
	return strspn(text, " \t\r\n") >= len;
}

static const char *event_read(const char *json, size_t len, jsmntok_t *tokens, struct event_fields *fields)
{
	jsmn_parser parser;
	int count;

	if (strlen(json) != len)
		return "the event has a NUL character";
	jsmn_init(&parser);
	count = jsmn_parse(&parser, json, len, tokens, EVENT_TOKENS);
	if (count == JSMN_ERROR_NOMEM)
		return "the event has too many values";
	if (count < 1)
		return "the event is not valid JSON";
	if (tokens[0].type != JSMN_OBJECT)
		return "the event is not a JSON object";
	if (!event_only_white(json + tokens[0].end, len - (size_t)tokens[0].end))
		return "the event has data after its JSON object";
	return event_fields_find(json, tokens, count, fields);
}

/*
 * Decodes a base64 string in place; the text behind it is not read afterwards. The slash is the only base64 character
 * that JSON may escape. Returns the number of bytes at the token's start, or -EINVAL.
 */
static ssize_t event_token_decode(char *json, const jsmntok_t *token)
{
	char *text = json + token->start, *to = text;

	for (int i = token->start; i < token->end; i++) {
		if (json[i] == '\\' && json[i + 1] == '/')
			continue;
		*to++ = json[i];
	}
	return base64_decode(text, text, (size_t)(to - text));
}

static int event_command(char *json, const jsmntok_t *token, struct event *event, const char **ret_why)
{
	char *text = json + token->start;
	ssize_t len = event_token_decode(json, token);

	if (len < 0)
		*ret_why = "the event's \"cmd\" is not base64";
	else if (len > EVENT_COMMAND_MAX)
		*ret_why = "the command is longer than 100 KiB";
	else if (memchr(text, '\0', (size_t)len))
		*ret_why = "the command has a NUL character";
	if (*ret_why)
		return -EINVAL;
	event->command = strndup(text, (size_t)len);
	return event->command ? 0 : -ENOMEM;
}

static const char *event_endpoint(const char *json, const jsmntok_t *token, struct event *event)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]";
	size_t len;

	if (!token)
		return NULL;
	len = (size_t)(token->end - token->start);
	if (token->type != JSMN_STRING || len > EVENT_ENDPOINT_MAX)
		return "the event's \"endpoint\" is not <host>:<port>";
	memcpy(event->endpoint, json + token->start, len);
	if (len > 0 && (strspn(event->endpoint, allowed) != len || !strchr(event->endpoint, ':')))
		return "the event's \"endpoint\" is not <host>:<port>";
	return NULL;
}

static const char *event_flag(const char *json, const jsmntok_t *token, bool *ret_flag, const char *refusal)
{
	if (!token)
		return NULL;
	*ret_flag = event_token_is(json, token, "true");
	if (token->type != JSMN_PRIMITIVE || (!*ret_flag && !event_token_is(json, token, "false")))
		return refusal;
	return NULL;
}

static const char *event_input(char *json, const struct event_fields *fields, struct event *event)
{
	const jsmntok_t *encoding = fields->input_encoding;
	ssize_t len;

	if (!fields->input)
		return NULL;
	if (!encoding || encoding->type != JSMN_STRING || !event_token_is(json, encoding, "gzip"))
		return "the event's \"stdin_encoding\" is not \"gzip\"";
	if (fields->input->type != JSMN_STRING)
		return "the event's \"stdin\" is not base64";
	event->input = json + fields->input->start;
	len = event_token_decode(json, fields->input);
	if (len < 0)
		return "the event's \"stdin\" is not base64";
	event->input_len = (size_t)len;
	return NULL;
}

/*
 * `json` is NUL-terminated, as the string functions require. Its strings are decoded in place after all of it has been
 * parsed.
 */
static int event_build(char *json, size_t len, jsmntok_t *tokens, struct event *event, const char **ret_why)
{
	struct event_fields fields = {0};

	*ret_why = event_read(json, len, tokens, &fields);
	if (!*ret_why && !fields.version)
		*ret_why = "the event has no version \"v\"";
	else if (!*ret_why && (fields.version->type != JSMN_PRIMITIVE || !event_token_is(json, fields.version, "1")))
		*ret_why = "the event's version \"v\" is not 1: this runtime is older than the vastfs that calls it; "
			   "deploy again";
	else if (!*ret_why && (!fields.command || fields.command->type != JSMN_STRING))
		*ret_why = "the event has no text \"cmd\"";
	if (!*ret_why)
		*ret_why = event_endpoint(json, fields.endpoint, event);
	if (!*ret_why)
		*ret_why = event_flag(json, fields.stream, &event->stream,
				      "the event's \"stream\" is neither true nor false");
	if (!*ret_why)
		*ret_why = event_flag(json, fields.deflate, &event->deflate,
				      "the event's \"deflate\" is neither true nor false");
	if (!*ret_why)
		*ret_why = event_input(json, &fields, event);
	if (*ret_why)
		return -EINVAL;
	return event_command(json, fields.command, event, ret_why);
}

int event_parse(const char *json, size_t len, struct event *ret_event, const char **ret_why)
{
	jsmntok_t *tokens = malloc(EVENT_TOKENS * sizeof(*tokens));
	char *copy = malloc(len + 1);
	int err = -ENOMEM;

	memset(ret_event, 0, sizeof(*ret_event));
	*ret_why = NULL;
	if (tokens && copy) {
		if (len > 0)
			memcpy(copy, json, len);
		copy[len] = '\0';
		err = event_build(copy, len, tokens, ret_event, ret_why);
	}
	if (err == 0 && ret_event->input)
		ret_event->text = copy;
	else
		free(copy);
	free(tokens);
	return err;
}

void event_free(struct event *event)
{
	free(event->command);
	free(event->text);
	*event = (struct event){0};
}
