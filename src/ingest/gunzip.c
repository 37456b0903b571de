/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/gunzip.h"

#include <string.h>

#define PIECE	    (64 << 10)
#define GZIP_FORMAT (16 + MAX_WBITS) /* for zlib's inflateInit2(): only gzip */

static const char magic[2] = "\x1f\x8b";

void gunzip_init(struct gunzip *g, int (*sink)(const char *data, size_t len, void *arg), void *arg)
{
	*g = (struct gunzip){.sink = sink, .arg = arg};
}

void gunzip_free(struct gunzip *g)
{
	if (g->has_stream)
		inflateEnd(&g->z);
	g->has_stream = false;
}

static int gunzip_begin(struct gunzip *g)
{
	int r = g->has_stream ? inflateReset(&g->z) : inflateInit2(&g->z, GZIP_FORMAT);

	if (r != Z_OK)
		return -ENOMEM;
	g->has_stream = true;
	g->state = GUNZIP_MEMBER;
	return 0;
}

static int gunzip_refuse(const char *fault, const struct gunzip *g, struct error *err)
{
	error_set(err, -EBADMSG, "the gzip stream is %s %llu", fault, (unsigned long long)g->taken);
	error_remedy(err, "repair the file; its events up to there are imported, so import only the rest of it");
	return -EBADMSG;
}

static int gunzip_damaged(const struct gunzip *g, struct error *err)
{
	return gunzip_refuse("damaged near byte", g, err);
}

/* Hands on a first byte that no second byte will follow. */
static int gunzip_release(struct gunzip *g)
{
	if (!g->is_held)
		return 0;
	g->is_held = false;
	g->began = true;
	return g->sink(&g->held, 1, g->arg);
}

/* Hands on inflated bytes. A single first byte waits, because the receiver recognizes its format by two. */
static int gunzip_hand_on(struct gunzip *g, const char *data, size_t len)
{
	char first[2];
	int r;

	if (!len)
		return 0;
	if (g->began)
		return g->sink(data, len, g->arg);
	if (!g->is_held && len == 1) {
		g->held = *data;
		g->is_held = true;
		return 0;
	}
	g->began = true;
	if (!g->is_held)
		return g->sink(data, len, g->arg);
	g->is_held = false;
	first[0] = g->held;
	first[1] = *data;
	r = g->sink(first, sizeof(first), g->arg);
	return r < 0 || len == 1 ? r : g->sink(data + 1, len - 1, g->arg);
}

/* Runs one step of zlib and hands on its output, also what precedes damage. */
static int gunzip_step(struct gunzip *g, char out[static PIECE], struct error *err)
{
	bool is_damaged;
	int r, handed;

	g->z.next_out = (Bytef *)out;
	g->z.avail_out = PIECE;
	r = inflate(&g->z, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r == Z_STREAM_END)
		g->state = GUNZIP_BETWEEN;
	is_damaged = r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR;
	handed = gunzip_hand_on(g, out, PIECE - g->z.avail_out);
	return handed < 0 || !is_damaged ? handed : gunzip_damaged(g, err);
}

static int gunzip_member(struct gunzip *g, const char **data, size_t *len, struct error *err)
{
	char out[PIECE];
	int r = 0;

	g->z.next_in = (const Bytef *)*data;
	g->z.avail_in = (uInt)*len;
	do
		r = gunzip_step(g, out, err);
	while (r == 0 && g->state == GUNZIP_MEMBER && (g->z.avail_in || !g->z.avail_out));
	*data += *len - g->z.avail_in;
	g->taken += *len - g->z.avail_in;
	*len = g->z.avail_in;
	return r;
}

/* Zeros may pad a file to the size of a block. Bytes other than zeros or another member mean damage. */
static int gunzip_between(struct gunzip *g, const char **data, size_t *len, struct error *err)
{
	if (!**data) {
		++*data;
		--*len;
		g->taken++;
		return 0;
	}
	return **data == magic[0] ? gunzip_begin(g) : gunzip_damaged(g, err);
}

/* Decides whether the stream is gzip. The first two bytes have arrived. */
static int gunzip_decide(struct gunzip *g, struct error *err)
{
	const char *head = g->head;
	size_t len = g->have;
	int r;

	if (memcmp(g->head, magic, sizeof(magic)) != 0) {
		g->state = GUNZIP_PLAIN;
		return g->sink(g->head, g->have, g->arg);
	}
	r = gunzip_begin(g);
	return r < 0 ? r : gunzip_member(g, &head, &len, err);
}

static int gunzip_undecided(struct gunzip *g, const char **data, size_t *len, struct error *err)
{
	/* Most streams are plain and arrive in large pieces, which are handed on without a copy. */
	if (!g->have && *len >= sizeof(magic) && memcmp(*data, magic, sizeof(magic)) != 0) {
		g->state = GUNZIP_PLAIN;
		return 0;
	}
	g->head[g->have++] = *(*data)++;
	--*len;
	return g->have == sizeof(g->head) ? gunzip_decide(g, err) : 0;
}

int gunzip_feed(struct gunzip *g, const char *data, size_t len, struct error *err)
{
	int r = 0;

	while (r == 0 && len) {
		switch (g->state) {
		case GUNZIP_UNDECIDED:
			r = gunzip_undecided(g, &data, &len, err);
			break;
		case GUNZIP_PLAIN:
			return g->sink(data, len, g->arg);
		case GUNZIP_MEMBER:
			r = gunzip_member(g, &data, &len, err);
			break;
		case GUNZIP_BETWEEN:
			r = gunzip_between(g, &data, &len, err);
			break;
		}
	}
	if (r == -EBADMSG)
		gunzip_release(g);
	return r;
}

int gunzip_end(struct gunzip *g, struct error *err)
{
	int r = gunzip_release(g);

	if (r < 0)
		return r;
	if (g->state == GUNZIP_MEMBER)
		return gunzip_refuse("cut short after byte", g, err);
	if (g->state != GUNZIP_UNDECIDED || !g->have)
		return 0;
	g->state = GUNZIP_PLAIN;
	return g->sink(g->head, g->have, g->arg);
}
