/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/handshake.h"

#include "base/json.h"
#include "session/channel.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define GREETING_VERSION "1.2.0.0" /* version of the protocol of the connection, not of the client */

enum action_status { ACTION_DONE = 1, ACTION_FAILED = 2, ACTION_UNSUPPORTED = 3 };

void handshake_free(struct handshake *h)
{
	cJSON_Delete(h->request);
	free(h->encrypted);
	*h = (struct handshake){0};
}

static const char *handshake_text(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return text ? text : "";
}

/* r: the result of the functions that built the JSON. */
static int handshake_print(int r, const cJSON *json, struct buf *out)
{
	_free_ char *text = json_print(&r, json);

	return text ? buf_puts(out, text) : r;
}

/* NULL without memory. */
static char *handshake_encode(const void *data, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);

	if (text)
		EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	return text;
}

int handshake_greeting(const char *token, const char *request_id, const char *client_id, struct buf *out)
{
	int r = 0;
	_json_ cJSON *json = json_object(&r);

	json_add_text(&r, json, "MessageSchemaVersion", "1.0");
	json_add_text(&r, json, "RequestId", request_id);
	json_add_text(&r, json, "TokenValue", token);
	json_add_text(&r, json, "ClientId", client_id);
	json_add_text(&r, json, "ClientVersion", GREETING_VERSION);
	return handshake_print(r, json, out);
}

/* -- the request and its answer -------------------------------------------------------------------------------- */

static const cJSON *handshake_actions(const struct handshake *h)
{
	return cJSON_GetObjectItemCaseSensitive(h->request, "RequestedClientActions");
}

static bool handshake_is_action(const cJSON *action, const char *type)
{
	return strcmp(handshake_text(action, "ActionType"), type) == 0;
}

int handshake_read(struct handshake *h, const void *data, size_t len)
{
	cJSON *json;
	const cJSON *action;
	int r = json_parse(data, len, &json, NULL);

	handshake_free(h);
	h->request = json;
	if (r < 0)
		return r;
	if (!cJSON_IsArray(handshake_actions(h)))
		return -EBADMSG;
	cJSON_ArrayForEach (action, handshake_actions(h)) {
		const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(action, "ActionParameters");
		const char *id = handshake_text(parameters, "KMSKeyId");

		if (!handshake_is_action(action, "KMSEncryption"))
			continue;
		if (!*id || strlen(id) >= sizeof(h->key_id))
			return -EBADMSG;
		strcpy(h->key_id, id);
	}
	return 0;
}

int handshake_take_key(struct handshake *h, const char *encrypted)
{
	free(h->encrypted);
	h->encrypted = strdup(encrypted);
	return h->encrypted ? 0 : -ENOMEM;
}

void handshake_refuse_key(struct handshake *h, const char *why)
{
	snprintf(h->refusal, sizeof(h->refusal), "%s", why);
}

/* Takes ownership of result. */
static void handshake_put_result(int *r, cJSON *done, enum action_status status, cJSON *result, const char *error)
{
	json_add_number(r, done, "ActionStatus", status);
	json_add(r, done, "ActionResult", result);
	json_add_text(r, done, "Error", error);
}

static cJSON *handshake_key_result(int *r, const struct handshake *h)
{
	cJSON *result = json_object(r);

	json_add_text(r, result, "KMSCipherTextKey", h->encrypted);
	json_add(r, result, "KMSCipherTextHash", cJSON_CreateNull()); /* AWS's own client sends null as well */
	return result;
}

static cJSON *handshake_answer_action(int *r, const struct handshake *h, const cJSON *action)
{
	cJSON *done = json_object(r);

	json_add_text(r, done, "ActionType", handshake_text(action, "ActionType"));
	if (handshake_is_action(action, "SessionType"))
		handshake_put_result(r, done, ACTION_DONE, cJSON_CreateNull(), "");
	else if (handshake_is_action(action, "KMSEncryption") && h->encrypted)
		handshake_put_result(r, done, ACTION_DONE, handshake_key_result(r, h), "");
	else if (handshake_is_action(action, "KMSEncryption"))
		handshake_put_result(r, done, ACTION_FAILED, cJSON_CreateNull(), h->refusal);
	else
		handshake_put_result(r, done, ACTION_UNSUPPORTED, cJSON_CreateNull(),
				     "vastfs does not know this action");
	return done;
}

int handshake_answer(const struct handshake *h, struct buf *out)
{
	int r = 0;
	_json_ cJSON *json = json_object(&r);
	cJSON *all = json_array(&r);
	const cJSON *action;

	json_add_text(&r, json, "ClientVersion", CHANNEL_CLIENT_VERSION);
	cJSON_ArrayForEach (action, handshake_actions(h))
		json_append(&r, all, handshake_answer_action(&r, h, action));
	json_add(&r, json, "ProcessedClientActions", all);
	json_add(&r, json, "Errors", cJSON_CreateNull());
	return handshake_print(r, json, out);
}

/* -- the challenge --------------------------------------------------------------------------------------------- */

static size_t handshake_padding(const char *text, size_t len)
{
	return len >= 2 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
}

int handshake_read_challenge(const void *data, size_t len, struct buf *ret_sealed)
{
	_json_ cJSON *json = NULL;
	int n = json_parse(data, len, &json, NULL);
	const char *text = handshake_text(json, "Challenge");
	size_t text_len = strlen(text);
	_free_ unsigned char *bytes = n == 0 ? malloc(text_len + 1) : NULL;

	if (!bytes)
		return n < 0 ? n : -ENOMEM;
	n = text_len && text_len % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)text_len) : -1;
	if (n < 0)
		return -EBADMSG;
	return buf_append(ret_sealed, bytes, (size_t)n - handshake_padding(text, text_len));
}

int handshake_answer_challenge(const void *sealed, size_t len, struct buf *out)
{
	int r = 0;
	_json_ cJSON *json = json_object(&r);
	_free_ char *text = handshake_encode(sealed, len);

	if (!text)
		return -ENOMEM;
	json_add_text(&r, json, "Challenge", text);
	return handshake_print(r, json, out);
}

/* -- acknowledgements ------------------------------------------------------------------------------------------ */

int handshake_acknowledgement(const struct message *of, struct buf *out)
{
	char id[MESSAGE_UUID_SIZE];

	message_uuid(of->id, id);
	return buf_printf(out,
			  "{\"AcknowledgedMessageType\":\"%s\",\"AcknowledgedMessageId\":\"%s\","
			  "\"AcknowledgedMessageSequenceNumber\":%lld,\"IsSequentialMessage\":true}",
			  of->type, id, (long long)of->sequence);
}

int handshake_read_acknowledgement(const void *data, size_t len, int64_t *ret_sequence)
{
	_json_ cJSON *json = NULL;
	int r = json_parse(data, len, &json, NULL);
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "AcknowledgedMessageSequenceNumber");

	if (r < 0)
		return r;

	if (!cJSON_IsNumber(number) || !(number->valuedouble >= 0) || number->valuedouble > 9e15)
		return -EBADMSG;
	*ret_sequence = (int64_t)number->valuedouble;
	return 0;
}
