/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/message.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define SCHEMA_VERSION 1
#define HEAD_MAX       4096 /* a newer agent may add members to the header */

/* Offsets in the header; the length of the payload is its last member. */
enum {
	AT_HEAD_LENGTH = 0,
	AT_TYPE = 4,
	AT_SCHEMA = 36,
	AT_CREATED = 40,
	AT_SEQUENCE = 48,
	AT_FLAGS = 56,
	AT_ID = 64,
	AT_DIGEST = 80,
	AT_PAYLOAD_TYPE = 112,
	AT_PAYLOAD_LENGTH = 116,
	AT_PAYLOAD = 120,
};

#define TYPE_LEN   32
#define DIGEST_LEN 32

static void message_put_number(uint8_t *p, size_t size, uint64_t n)
{
	for (size_t i = size; i-- > 0; n >>= 8)
		p[i] = (uint8_t)n;
}

static uint64_t message_get_number(const uint8_t *p, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | p[i];
	return n;
}

/* The two halves of the ID are exchanged on the wire. */
static void message_swap_halves(uint8_t *to, const uint8_t *from)
{
	memcpy(to, from + 8, 8);
	memcpy(to + 8, from, 8);
}

static int message_digest(const void *data, size_t len, uint8_t ret[EVP_MAX_MD_SIZE])
{
	return EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) ? 0 : -ENOMEM;
}

int message_encode(const struct message *m, struct buf *out)
{
	uint8_t head[AT_PAYLOAD] = {0}, digest[EVP_MAX_MD_SIZE];
	size_t type_len = strlen(m->type), before = out->len;
	int r = message_digest(m->payload, m->len, digest);

	if (r < 0)
		return r;
	message_put_number(head + AT_HEAD_LENGTH, 4, AT_PAYLOAD_LENGTH);
	memset(head + AT_TYPE, ' ', TYPE_LEN);
	memcpy(head + AT_TYPE, m->type, type_len < TYPE_LEN ? type_len : TYPE_LEN);
	message_put_number(head + AT_SCHEMA, 4, SCHEMA_VERSION);
	message_put_number(head + AT_CREATED, 8, (uint64_t)m->created_ms);
	message_put_number(head + AT_SEQUENCE, 8, (uint64_t)m->sequence);
	message_put_number(head + AT_FLAGS, 8, m->flags);
	message_swap_halves(head + AT_ID, m->id);
	memcpy(head + AT_DIGEST, digest, DIGEST_LEN);
	message_put_number(head + AT_PAYLOAD_TYPE, 4, m->payload_type);
	message_put_number(head + AT_PAYLOAD_LENGTH, 4, m->len);
	r = buf_append(out, head, sizeof(head));
	if (r == 0 && m->len)
		r = buf_append(out, m->payload, m->len);
	if (r < 0)
		out->len = before;
	return r;
}

bool message_is(const struct message *m, const char *type)
{
	return strcmp(m->type, type) == 0;
}

static void message_take_type(const uint8_t *p, char ret[MESSAGE_TYPE_SIZE])
{
	size_t n = TYPE_LEN;

	memcpy(ret, p, TYPE_LEN);
	while (n && (ret[n - 1] == '\0' || ret[n - 1] == ' '))
		n--;
	ret[memchr(ret, '\0', n) ? 0 : n] = '\0'; /* a text with a NUL inside is not a type */
}

/* An acknowledgement quotes the type, so only characters that need no escape are accepted; AWS uses no others. */
static bool message_type_is_valid(const char type[MESSAGE_TYPE_SIZE])
{
	size_t n = strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && !type[n];
}

static bool message_is_publication(const struct message *m)
{
	return message_is(m, MESSAGE_START) || message_is(m, MESSAGE_PAUSE);
}

static int message_take_payload(const uint8_t *p, size_t len, struct message *ret)
{
	size_t head_length = message_get_number(p + AT_HEAD_LENGTH, 4), payload_at = head_length + 4;
	uint8_t digest[EVP_MAX_MD_SIZE];
	int r;

	if (head_length < AT_PAYLOAD_LENGTH || head_length > HEAD_MAX || payload_at > len)
		return -EBADMSG;
	ret->len = message_get_number(p + head_length, 4);
	ret->payload = p + payload_at;
	if (ret->len > MESSAGE_PAYLOAD_MAX || ret->len != len - payload_at)
		return -EBADMSG;
	if (!ret->len)
		return 0;
	r = message_digest(ret->payload, ret->len, digest);
	return r < 0 ? r : memcmp(digest, p + AT_DIGEST, DIGEST_LEN) == 0 ? 0 : -EBADMSG;
}

int message_parse(const void *data, size_t len, struct message *ret)
{
	const uint8_t *p = data;
	int r;

	*ret = (struct message){.payload = ""};
	if (len < AT_TYPE + TYPE_LEN)
		return -EBADMSG;
	message_take_type(p + AT_TYPE, ret->type);
	if (message_is_publication(ret))
		return 0;
	if (len < AT_PAYLOAD || !message_type_is_valid(ret->type))
		return -EBADMSG;
	r = message_take_payload(p, len, ret);
	if (r < 0)
		return r;
	ret->created_ms = (int64_t)message_get_number(p + AT_CREATED, 8);
	ret->sequence = (int64_t)message_get_number(p + AT_SEQUENCE, 8);
	ret->flags = message_get_number(p + AT_FLAGS, 8);
	message_swap_halves(ret->id, p + AT_ID);
	ret->payload_type = (uint32_t)message_get_number(p + AT_PAYLOAD_TYPE, 4);
	return ret->created_ms > 0 && ret->sequence >= 0 ? 0 : -EBADMSG;
}

void message_uuid(const uint8_t id[16], char ret[MESSAGE_UUID_SIZE])
{
	char *at = ret;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", id[i]);
	}
}
