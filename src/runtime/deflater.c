/* SPDX-License-Identifier: BSD-3-Clause */
#include "deflater.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

#define DEFLATER_LEVEL_COPY 0
#define DEFLATER_LEVEL_FAST 1
#define DEFLATER_LEVEL_GOOD 6
#define DEFLATER_LEVEL_BEST 8 /* level 9 takes a third longer and saves 1 % */

#define DEFLATER_MEMORY 8 /* the default of deflateInit2() (zlib.h) */

/* Bytes per millisecond that Lambda streams after the first 6 MB (Lambda Developer Guide, "Response streaming"). */
#define DEFLATER_NETWORK_RATE 2000

#define DEFLATER_SPAN	   (1 << 20)  /* bytes */
#define DEFLATER_SPAN_COPY (16 << 20) /* bytes */

uint64_t deflater_span(int level)
{
	return level == DEFLATER_LEVEL_COPY ? DEFLATER_SPAN_COPY : DEFLATER_SPAN;
}

int deflater_level(int level, uint64_t in, uint64_t out, int64_t ms, bool peer_is_slow)
{
	bool is_faster_than_network = out > (uint64_t)(ms > 0 ? ms : 1) * DEFLATER_NETWORK_RATE;

	if (level == DEFLATER_LEVEL_COPY)
		return DEFLATER_LEVEL_FAST;
	if (out >= in - in / 8)
		return DEFLATER_LEVEL_COPY;
	if (peer_is_slow || is_faster_than_network)
		return level == DEFLATER_LEVEL_FAST ? DEFLATER_LEVEL_GOOD : DEFLATER_LEVEL_BEST;
	return level == DEFLATER_LEVEL_BEST ? DEFLATER_LEVEL_GOOD : DEFLATER_LEVEL_FAST;
}

static void deflater_renew_piece(struct deflater *deflater)
{
	deflater->stream.next_out = deflater->piece;
	deflater->stream.avail_out = sizeof(deflater->piece);
}

int deflater_init(struct deflater *deflater, int (*send)(void *context, const void *data, size_t len), void *context)
{
	memset(deflater, 0, sizeof(*deflater));
	deflater->send = send;
	deflater->context = context;
	deflater->level = DEFLATER_LEVEL_FAST;
	deflater->level_at = clock_now_ms();
	deflater_renew_piece(deflater);
	return deflateInit2(&deflater->stream, deflater->level, Z_DEFLATED, -MAX_WBITS, DEFLATER_MEMORY,
			    Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

void deflater_free(struct deflater *deflater)
{
	deflateEnd(&deflater->stream);
}

static int deflater_send(struct deflater *deflater)
{
	size_t len = sizeof(deflater->piece) - deflater->stream.avail_out;

	deflater_renew_piece(deflater);
	return len > 0 ? deflater->send(deflater->context, deflater->piece, len) : 0;
}

/* `mode` is the flush mode of deflate(), which has finished when it leaves room in the piece (zlib.h). */
static int deflater_work(struct deflater *deflater, int mode)
{
	for (;;) {
		int err;

		deflate(&deflater->stream, mode);
		if (deflater->stream.avail_out > 0)
			return 0;
		err = deflater_send(deflater);
		if (err < 0)
			return err;
	}
}

int deflater_flush(struct deflater *deflater)
{
	int err = deflater_work(deflater, Z_SYNC_FLUSH);

	deflater->is_holding = false;
	return err < 0 ? err : deflater_send(deflater);
}

int deflater_end(struct deflater *deflater)
{
	int err = deflater_work(deflater, Z_FINISH);

	deflater->is_holding = false;
	return err < 0 ? err : deflater_send(deflater);
}

/* Flushes first, because deflateParams() fails if the pending data does not fit into the piece. */
static int deflater_change_level(struct deflater *deflater, int level)
{
	int err = deflater_flush(deflater);

	if (err == 0)
		deflateParams(&deflater->stream, level, Z_DEFAULT_STRATEGY);
	deflater->level = level;
	return err;
}

static int deflater_adapt(struct deflater *deflater)
{
	uint64_t in = deflater->stream.total_in - deflater->level_in;
	uint64_t out = deflater->stream.total_out - deflater->level_out;
	int64_t now;
	int level, err = 0;

	if (in < deflater_span(deflater->level))
		return 0;
	now = clock_now_ms();
	level = deflater_level(deflater->level, in, out, now - deflater->level_at, deflater->peer_is_slow);
	if (level != deflater->level)
		err = deflater_change_level(deflater, level);
	deflater->peer_is_slow = false;
	deflater->level_at = now;
	deflater->level_in = deflater->stream.total_in;
	deflater->level_out = deflater->stream.total_out;
	return err;
}

int deflater_add(struct deflater *deflater, const void *data, size_t len)
{
	int err = deflater_adapt(deflater);

	if (err < 0 || len == 0)
		return err;
	deflater->stream.next_in = (z_const Bytef *)data;
	deflater->stream.avail_in = (uInt)len;
	deflater->length += len;
	deflater->crc = (uint32_t)crc32(deflater->crc, data, (uInt)len);
	deflater->is_holding = true;
	return deflater_work(deflater, Z_NO_FLUSH);
}
