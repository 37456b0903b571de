/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/eventstream.h"

#include "base/crc32.h"

#include <stdint.h>
#include <string.h>

#define PRELUDE_LEN 12
#define CRC_LEN	    4
#define MESSAGE_MAX (PRELUDE_LEN + EVENTSTREAM_HEADERS_MAX + EVENTSTREAM_PAYLOAD_MAX + CRC_LEN)

/* The types of headers. Values of some types have a length of two bytes before them. */
enum { TYPE_BYTES = 6, TYPE_STRING = 7, TYPE_COUNT = 10 };

static const uint8_t fixed_length[TYPE_COUNT] = {
	[2] = 1, [3] = 2, [4] = 4, [5] = 8, [8] = 8, [9] = 16,
};

void eventstream_init(struct eventstream *s, int (*message)(const struct eventstream_message *m, void *arg), void *arg)
{
	*s = (struct eventstream){.message = message, .arg = arg};
	buf_init(&s->pending, MESSAGE_MAX);
}

void eventstream_free(struct eventstream *s)
{
	buf_free(&s->pending);
}

bool eventstream_is_whole(const struct eventstream *s)
{
	return !s->failed && !s->pending.len;
}

static uint32_t eventstream_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* -- headers --------------------------------------------------------------------------------------------------- */

struct eventstream_reader {
	const uint8_t *at;
	size_t left;
};

/* Consumes n bytes; NULL if there are fewer. */
static const uint8_t *eventstream_take(struct eventstream_reader *r, size_t len)
{
	const uint8_t *p = r->at;

	if (len > r->left)
		return NULL;
	r->at += len;
	r->left -= len;
	return p;
}

static const uint8_t *eventstream_take_value(struct eventstream_reader *r, uint8_t type, size_t *ret_len)
{
	const uint8_t *p;

	if (type >= TYPE_COUNT)
		return NULL;
	*ret_len = fixed_length[type];
	if (type == TYPE_BYTES || type == TYPE_STRING) {
		p = eventstream_take(r, 2);
		if (!p)
			return NULL;
		*ret_len = (size_t)p[0] << 8 | p[1];
	}
	return eventstream_take(r, *ret_len);
}

static void eventstream_keep(struct eventstream_message *m, const uint8_t *name, size_t name_len, const uint8_t *value,
			     size_t len)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} known[] = {
		{":message-type", m->message_type, sizeof(m->message_type)},
		{":event-type", m->event_type, sizeof(m->event_type)},
		{":exception-type", m->exception_type, sizeof(m->exception_type)},
		{":error-code", m->error_code, sizeof(m->error_code)},
		{":error-message", m->error_message, sizeof(m->error_message)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == name_len && memcmp(known[i].name, name, name_len) == 0)
			snprintf(known[i].out, known[i].size, "%.*s", (int)len, (const char *)value);
}

static int eventstream_read_headers(struct eventstream_message *m, const uint8_t *headers, size_t len)
{
	struct eventstream_reader r = {headers, len};

	while (r.left) {
		const uint8_t *count = eventstream_take(&r, 1), *name = count ? eventstream_take(&r, *count) : NULL;
		const uint8_t *type = name ? eventstream_take(&r, 1) : NULL, *value;
		size_t value_len = 0;

		value = type ? eventstream_take_value(&r, *type, &value_len) : NULL;
		if (!value || !*count)
			return -EBADMSG;
		if (*type == TYPE_STRING)
			eventstream_keep(m, name, *count, value, value_len);
	}
	return 0;
}

/* -- messages -------------------------------------------------------------------------------------------------- */

/* The length of the message that begins here; 0: not known yet. */
static int eventstream_message_length(const uint8_t *p, size_t len, size_t *ret)
{
	size_t total, headers;

	*ret = 0;
	if (len < PRELUDE_LEN)
		return 0;
	total = eventstream_u32(p);
	headers = eventstream_u32(p + 4);
	if (crc32_add(0, p, 8) != eventstream_u32(p + 8) || headers > EVENTSTREAM_HEADERS_MAX ||
	    total < PRELUDE_LEN + headers + CRC_LEN ||
	    total - PRELUDE_LEN - headers - CRC_LEN > EVENTSTREAM_PAYLOAD_MAX)
		return -EBADMSG;
	*ret = total;
	return 0;
}

static int eventstream_take_message(struct eventstream *s, const uint8_t *p, size_t total)
{
	size_t headers = eventstream_u32(p + 4);
	struct eventstream_message m = {0};
	int r;

	if (crc32_add(0, p, total - CRC_LEN) != eventstream_u32(p + total - CRC_LEN))
		return -EBADMSG;
	r = eventstream_read_headers(&m, p + PRELUDE_LEN, headers);
	if (r < 0)
		return r;
	m.payload = p + PRELUDE_LEN + headers;
	m.len = total - PRELUDE_LEN - headers - CRC_LEN;
	return s->message(&m, s->arg);
}

/* Handles whole messages. *ret: the number of bytes consumed. */
static int eventstream_take_messages(struct eventstream *s, const uint8_t *p, size_t len, size_t *ret)
{
	size_t at = 0, total;
	int r;

	while ((r = eventstream_message_length(p + at, len - at, &total)) == 0 && total && total <= len - at) {
		r = eventstream_take_message(s, p + at, total);
		if (r < 0)
			break;
		at += total;
	}
	*ret = at;
	return r;
}

/* Completes the pending message with only the bytes that it lacks, so that no byte is copied twice. */
static int eventstream_complete_pending(struct eventstream *s, const uint8_t **p, size_t *len)
{
	size_t total = 0, wanted, used;
	int r;

	while (s->pending.len && *len) {
		r = eventstream_message_length((const uint8_t *)s->pending.data, s->pending.len, &total);
		if (r < 0)
			return r;
		wanted = (total ? total : PRELUDE_LEN) - s->pending.len;
		if (wanted > *len)
			wanted = *len;
		r = buf_append(&s->pending, *p, wanted);
		if (r < 0)
			return r;
		*p += wanted;
		*len -= wanted;
		r = eventstream_take_messages(s, (const uint8_t *)s->pending.data, s->pending.len, &used);
		if (r < 0)
			return r;
		if (used)
			buf_clear(&s->pending);
	}
	return 0;
}

static int eventstream_append(struct eventstream *s, const uint8_t *p, size_t len)
{
	size_t used = 0;
	int r = eventstream_complete_pending(s, &p, &len);

	if (r == 0 && len)
		r = eventstream_take_messages(s, p, len, &used);
	return r < 0 || used == len ? r : buf_append(&s->pending, p + used, len - used);
}

int eventstream_feed(struct eventstream *s, const void *data, size_t len)
{
	if (!s->failed)
		s->failed = eventstream_append(s, data, len);
	return s->failed;
}
