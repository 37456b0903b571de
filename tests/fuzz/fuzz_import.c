/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inflates and cuts an import. The first byte selects the format. Checks that a stream that arrives in pieces has the
 * same units as one that arrives as a whole, and that no byte is lost.
 */
#include "ingest/cutter.h"
#include "ingest/format.h"
#include "ingest/gunzip.h"

#include "fuzz.h"

struct import_result {
	struct buf events, headers, refused;
	uint64_t n;
	int r;
	struct cutter cutter;
};

static int import_events(const char *data, size_t len, uint64_t n, void *arg)
{
	struct import_result *result = arg;

	result->n += n;
	return buf_append(&result->events, data, len);
}

static int import_header(const char *data, size_t len, void *arg)
{
	struct import_result *result = arg;

	buf_printf(&result->headers, "%zu:", result->events.len);
	return buf_append(&result->headers, data, len);
}

static int import_oversized(const char *data, size_t len, void *arg)
{
	return buf_append(&((struct import_result *)arg)->refused, data, len);
}

static int import_refused(uint64_t number, const char *why, const char *data, size_t len, void *arg)
{
	struct import_result *result = arg;

	buf_printf(&result->refused, "%llu:%s:", (unsigned long long)number, why);
	return data ? buf_append(&result->refused, data, len) : 0;
}

static int import_cut(const char *data, size_t len, void *arg)
{
	struct import_result *result = arg;
	struct error err;

	return cutter_feed(&result->cutter, data, len, &err);
}

static void import_run(const struct cutter_kind *kind, const uint8_t *data, size_t len, bool in_pieces,
		       struct import_result *ret)
{
	const struct cutter_sink sink = {import_events, import_header, import_oversized, import_refused, ret};
	struct gunzip g;
	struct error err;

	*ret = (struct import_result){
		.events = BUF_INIT(64 << 20), .headers = BUF_INIT(64 << 20), .refused = BUF_INIT(64 << 20)};
	cutter_init(&ret->cutter, kind, &sink);
	gunzip_init(&g, import_cut, ret);
	while (len && ret->r == 0) {
		size_t n = in_pieces ? fuzz_piece(data, len) : len;

		ret->r = gunzip_feed(&g, (const char *)data, n, &err);
		data += n;
		len -= n;
	}
	if (ret->r == 0)
		ret->r = gunzip_end(&g, &err);
	if (ret->r == 0)
		ret->r = cutter_end(&ret->cutter);
	gunzip_free(&g);
	cutter_free(&ret->cutter);
}

static void import_compare(const struct buf *a, const struct buf *b)
{
	fuzz_require(a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0));
}

static void import_free(struct import_result *result)
{
	buf_free(&result->events);
	buf_free(&result->headers);
	buf_free(&result->refused);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct import_result whole, pieces;
	const struct cutter_kind *kind;

	if (!len)
		return 0;
	kind = data[0] % (formats_n + 1) < formats_n ? formats[data[0] % (formats_n + 1)].cutter : &cutter_whole;
	import_run(kind, data + 1, len - 1, false, &whole);
	import_run(kind, data + 1, len - 1, true, &pieces);
	fuzz_require(whole.r == pieces.r && whole.n == pieces.n);
	import_compare(&whole.events, &pieces.events);
	import_compare(&whole.headers, &pieces.headers);
	import_compare(&whole.refused, &pieces.refused);
	import_free(&whole);
	import_free(&pieces);
	return 0;
}
