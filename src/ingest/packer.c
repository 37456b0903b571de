/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/packer.h"

#include <errno.h>

#define PIECE	    (64 << 10)
#define LEVEL	    1 /* the disk and the network are faster than any other level */
#define GZIP_FORMAT (16 + MAX_WBITS)
#define MEMORY	    8 /* zlib's default */

void packer_init(struct packer *p)
{
	*p = (struct packer){0};
	buf_init(&p->out, PACKER_MAX);
}

void packer_free(struct packer *p)
{
	if (p->has_stream)
		deflateEnd(&p->z);
	p->has_stream = false;
	buf_free(&p->out);
}

static int packer_start(struct packer *p)
{
	if (p->has_stream)
		return 0;
	if (deflateInit2(&p->z, LEVEL, Z_DEFLATED, GZIP_FORMAT, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	p->has_stream = true;
	return 0;
}

static int packer_deflate(z_stream *z, int flush, struct buf *out)
{
	char piece[PIECE];
	int r = 0;

	do {
		z->next_out = (Bytef *)piece;
		z->avail_out = sizeof(piece);
		deflate(z, flush);
		r = buf_append(out, piece, sizeof(piece) - z->avail_out);
	} while (r == 0 && !z->avail_out);
	return r;
}

static int packer_put(struct packer *p, const char *data, size_t len)
{
	int r = packer_start(p);

	if (r < 0)
		return r;
	p->z.next_in = (const Bytef *)data;
	p->z.avail_in = (uInt)len;
	p->inflated += len;
	return packer_deflate(&p->z, Z_NO_FLUSH, &p->out);
}

bool packer_has_room(struct packer *p, size_t len)
{
	unsigned pending = 0;
	int bits = 0;

	if (packer_start(p) < 0)
		return true; /* packer_add() will report the error */
	deflatePending(&p->z, &pending, &bits);
	/* zlib may hold a window and a block of input in addition to the pending bytes. */
	return p->out.len + pending + deflateBound(&p->z, len + (256 << 10)) <= PACKER_MAX;
}

bool packer_is_full(const struct packer *p, size_t limit)
{
	return p->out.len >= limit || p->inflated >= PACKER_PLAIN;
}

int packer_add_header(struct packer *p, const char *data, size_t len)
{
	return len ? packer_put(p, data, len) : 0;
}

int packer_add(struct packer *p, const char *data, size_t len, uint64_t n)
{
	p->events += n;
	p->bytes += len;
	return packer_put(p, data, len);
}

int packer_peek(struct packer *p, struct buf *out)
{
	z_stream copy;
	int r = packer_start(p);

	if (r == 0)
		r = buf_append(out, p->out.data, p->out.len);
	if (r == 0 && deflateCopy(&copy, &p->z) != Z_OK)
		r = -ENOMEM;
	if (r < 0)
		return r;
	copy.next_in = NULL;
	copy.avail_in = 0;
	r = packer_deflate(&copy, Z_FINISH, out);
	deflateEnd(&copy);
	return r;
}

int packer_finish(struct packer *p)
{
	int r = packer_start(p);

	if (r < 0)
		return r;
	p->z.next_in = NULL;
	p->z.avail_in = 0;
	return packer_deflate(&p->z, Z_FINISH, &p->out);
}

void packer_next(struct packer *p)
{
	if (p->has_stream)
		deflateReset(&p->z);
	buf_clear(&p->out);
	p->events = p->bytes = p->inflated = 0;
}
