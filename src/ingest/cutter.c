/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/cutter.h"

#include <string.h>

#define SLICE (1 << 20) /* a row that lies within one slice is never too long */

void cutter_init(struct cutter *c, const struct cutter_kind *kind, const struct cutter_sink *sink)
{
	*c = (struct cutter){.kind = kind, .sink = sink, .number = 1, .unit_number = 1};
	buf_init(&c->rest, CUTTER_UNIT_MAX + 1);
	buf_init(&c->header, CUTTER_HEADER_MAX);
	buf_init(&c->block, CUTTER_HEADER_MAX);
}

void cutter_free(struct cutter *c)
{
	buf_free(&c->rest);
	buf_free(&c->header);
	buf_free(&c->block);
}

/*
 * Refuses UTF-16, because its line ends cannot be found byte by byte. UTF-16 has a byte order mark, or a NUL in every
 * ASCII character.
 */
static int cutter_refuse_utf16(const char *data, size_t len, struct error *err)
{
	if (len < 2 || (memcmp(data, "\xff\xfe", 2) != 0 && memcmp(data, "\xfe\xff", 2) != 0 && data[0] && data[1]))
		return 0;
	error_set(err, -EILSEQ, "the events are UTF-16 or binary, not UTF-8 text");
	error_remedy(err, "convert them: iconv -f UTF-16 -t UTF-8");
	return err->errnum;
}

int cutter_feed(struct cutter *c, const char *data, size_t len, struct error *err)
{
	int r = 0;

	if (len && !c->began && c->kind->is_text)
		r = cutter_refuse_utf16(data, len, err);
	c->began = c->began || len;
	while (r == 0 && len) {
		size_t n = len < SLICE ? len : SLICE;

		r = c->kind->feed(c, data, n, err);
		data += n;
		len -= n;
	}
	return r;
}

const char cutter_oversized_why[] = "a line of more than 4 MB";

bool cutter_rest_is_complete(const struct cutter *c)
{
	return c->kind->is_complete && c->rest.len && c->kind->is_complete(c, c->rest.data, c->rest.len);
}

static int cutter_refuse_rest(struct cutter *c)
{
	char why[64];

	snprintf(why, sizeof(why), "the last %s is incomplete", c->kind->unit);
	return c->sink->refused(c->unit_number, why, c->rest.data, c->rest.len, c->sink->arg);
}

int cutter_end(struct cutter *c)
{
	int r = c->rest.len ? cutter_settle_header(c) : 0;

	if (r < 0)
		return r;
	if (c->is_oversized) {
		c->is_oversized = false;
		r = c->sink->refused(c->unit_number, cutter_oversized_why, NULL, 0, c->sink->arg);
	} else if (cutter_rest_is_complete(c)) {
		r = c->kind->feed(c, "\n", 1, NULL);
	} else if (c->rest.len) {
		r = cutter_refuse_rest(c);
	}
	buf_clear(&c->rest);
	return r;
}

static int cutter_feed_whole(struct cutter *c, const char *data, size_t len, struct error *err _unused_)
{
	return c->sink->events(data, len, 0, c->sink->arg);
}

const struct cutter_kind cutter_whole = {.unit = "stream", .is_whole = true, .feed = cutter_feed_whole};
