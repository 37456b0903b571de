/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/handshake.h"

#include "session/channel.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define GREETING_VERSION "1.2.0.0" /* of the protocol of the connection, not of the client */

enum action_status { ACTION_DONE = 1, ACTION_FAILED = 2, ACTION_UNSUPPORTED = 3 };

static void handshake_json_cleanup(cJSON **json)
{
	cJSON_Delete(*json);
}

#define _json_ _cleanup_(handshake_json_cleanup)

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

static int handshake_print(const cJSON *json, struct buf *out)
{
	_free_ char *text = cJSON_PrintUnformatted(json);

	return text ? buf_puts(out, text) : -ENOMEM;
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
	_json_ cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "MessageSchemaVersion", "1.0");
	cJSON_AddStringToObject(json, "RequestId", request_id);
	cJSON_AddStringToObject(json, "TokenValue", token);
	cJSON_AddStringToObject(json, "ClientId", client_id);
	cJSON_AddStringToObject(json, "ClientVersion", GREETING_VERSION);
	return handshake_print(json, out);
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
	cJSON *json = cJSON_ParseWithLength(data, len);
	const cJSON *action;

	handshake_free(h);
	h->request = json;
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

static void handshake_put_result(cJSON *done, enum action_status status, cJSON *result, const char *error)
{
	cJSON_AddNumberToObject(done, "ActionStatus", status);
	cJSON_AddItemToObject(done, "ActionResult", result ? result : cJSON_CreateNull());
	cJSON_AddStringToObject(done, "Error", error);
}

static cJSON *handshake_key_result(const struct handshake *h)
{
	cJSON *result = cJSON_CreateObject();

	cJSON_AddStringToObject(result, "KMSCipherTextKey", h->encrypted);
	cJSON_AddNullToObject(result, "KMSCipherTextHash"); /* as in the client of AWS */
	return result;
}

static cJSON *handshake_answer_action(const struct handshake *h, const cJSON *action)
{
	cJSON *done = cJSON_CreateObject();

	cJSON_AddStringToObject(done, "ActionType", handshake_text(action, "ActionType"));
	if (handshake_is_action(action, "SessionType"))
		handshake_put_result(done, ACTION_DONE, NULL, "");
	else if (handshake_is_action(action, "KMSEncryption") && h->encrypted)
		handshake_put_result(done, ACTION_DONE, handshake_key_result(h), "");
	else if (handshake_is_action(action, "KMSEncryption"))
		handshake_put_result(done, ACTION_FAILED, NULL, h->refusal);
	else
		handshake_put_result(done, ACTION_UNSUPPORTED, NULL, "vastfs does not know this action");
	return done;
}

int handshake_answer(const struct handshake *h, struct buf *out)
{
	_json_ cJSON *json = cJSON_CreateObject();
	cJSON *all = cJSON_CreateArray();
	const cJSON *action;

	cJSON_AddStringToObject(json, "ClientVersion", CHANNEL_CLIENT_VERSION);
	cJSON_ArrayForEach (action, handshake_actions(h))
		cJSON_AddItemToArray(all, handshake_answer_action(h, action));
	cJSON_AddItemToObject(json, "ProcessedClientActions", all);
	cJSON_AddNullToObject(json, "Errors");
	return handshake_print(json, out);
}

/* -- the challenge --------------------------------------------------------------------------------------------- */

static size_t handshake_padding(const char *text, size_t len)
{
	return len >= 2 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
}

int handshake_read_challenge(const void *data, size_t len, struct buf *ret_sealed)
{
	_json_ cJSON *json = cJSON_ParseWithLength(data, len);
	const char *text = handshake_text(json, "Challenge");
	size_t text_len = strlen(text);
	_free_ unsigned char *bytes = malloc(text_len + 1);
	int n;

	if (!bytes)
		return -ENOMEM;
	n = text_len && text_len % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)text_len) : -1;
	if (n < 0)
		return -EBADMSG;
	return buf_append(ret_sealed, bytes, (size_t)n - handshake_padding(text, text_len));
}

int handshake_answer_challenge(const void *sealed, size_t len, struct buf *out)
{
	_json_ cJSON *json = cJSON_CreateObject();
	_free_ char *text = handshake_encode(sealed, len);

	if (!text)
		return -ENOMEM;
	cJSON_AddStringToObject(json, "Challenge", text);
	return handshake_print(json, out);
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
	_json_ cJSON *json = cJSON_ParseWithLength(data, len);
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "AcknowledgedMessageSequenceNumber");

	if (!cJSON_IsNumber(number) || !(number->valuedouble >= 0) || number->valuedouble > 9e15)
		return -EBADMSG;
	*ret_sequence = (int64_t)number->valuedouble;
	return 0;
}
