/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cut_pcap.c - packet captures: a global header of 24 bytes, then packets, each with a header of 16 bytes before it.
 *
 * A stream may consist of several concatenated files, so another global header may take the place of a packet.
 */
#include "ingest/cutter.h"

#include <string.h>

#define GLOBAL_HEADER 24
#define PACKET_HEADER 16
#define LENGTH_AT     8 /* the offset of the captured length in a packet's header */

static uint32_t pcap_u32(const char *data, bool swapped)
{
	uint32_t v;

	memcpy(&v, data, sizeof(v));
	return swapped ? __builtin_bswap32(v) : v;
}

/* Accepts microseconds and nanoseconds, both byte orders, and version 2.4. */
static bool pcap_is_header(const char *data, bool *ret_swapped)
{
	uint32_t magic = pcap_u32(data, false), swapped = __builtin_bswap32(magic);
	uint16_t version[2];

	*ret_swapped = swapped == 0xa1b2c3d4 || swapped == 0xa1b23c4d;
	if (!*ret_swapped && magic != 0xa1b2c3d4 && magic != 0xa1b23c4d)
		return false;
	memcpy(version, data + sizeof(magic), sizeof(version));
	for (size_t i = 0; i < 2 && *ret_swapped; i++)
		version[i] = __builtin_bswap16(version[i]);
	return version[0] == 2 && version[1] == 4;
}

static int pcap_refuse_start(const char *data, struct error *err)
{
	if (pcap_u32(data, false) == 0x0a0d0d0a) {
		error_set(err, -EBADMSG, "this is a pcapng file, not a pcap file");
		error_remedy(err, "convert it: editcap -F pcap in.pcapng out.pcap");
	} else {
		error_set(err, -EBADMSG, "this is not a pcap file: it has no global header");
	}
	return err->errnum;
}

/*
 * Computes the size of the unit that starts here from the first len bytes. If the result is greater than len, more
 * bytes are needed.
 */
static int pcap_unit(const struct cutter *c, const char *data, size_t len, size_t *ret, struct error *err)
{
	bool swapped;
	size_t captured;

	*ret = len < LENGTH_AT ? LENGTH_AT : GLOBAL_HEADER;
	if (len < LENGTH_AT || pcap_is_header(data, &swapped))
		return 0;
	if (!c->header.len)
		return pcap_refuse_start(data, err);
	*ret = PACKET_HEADER;
	if (len < PACKET_HEADER)
		return 0;
	pcap_is_header(c->header.data, &swapped);
	captured = pcap_u32(data + LENGTH_AT, swapped);
	if (captured > CUTTER_UNIT_MAX - PACKET_HEADER)
		return error_set(err, -EBADMSG, "packet %llu has an invalid length of %zu bytes: the file is damaged",
				 (unsigned long long)c->number, captured);
	*ret = PACKET_HEADER + captured;
	return 0;
}

static int pcap_take_header(struct cutter *c, const char *data)
{
	int r;

	if (c->header.len && memcmp(c->header.data, data, GLOBAL_HEADER) == 0)
		return 0;
	buf_clear(&c->header);
	r = buf_append(&c->header, data, GLOBAL_HEADER);
	return r < 0 ? r : c->sink->header(data, GLOBAL_HEADER, c->sink->arg);
}

static void pcap_count(struct cutter *c, uint64_t packets)
{
	c->number += packets;
	c->unit_number = c->number;
}

/* Hands out complete units without copying them. *ret is the number of bytes taken. */
static int pcap_take_run(struct cutter *c, const char *data, size_t len, size_t *ret, struct error *err)
{
	size_t at = 0, start = 0, unit = 0;
	uint64_t packets = 0;
	bool swapped;
	int r = 0;

	while ((r = pcap_unit(c, data + at, len - at, &unit, err)) == 0 && unit <= len - at) {
		if (len - at >= LENGTH_AT && pcap_is_header(data + at, &swapped))
			break;
		at += unit;
		packets++;
		pcap_count(c, 1);
	}
	*ret = at;
	if (packets) {
		int sent = c->sink->events(data + start, at - start, packets, c->sink->arg);

		r = sent < 0 ? sent : r;
	}
	if (r == 0 && unit <= len - at) {
		r = pcap_take_header(c, data + at);
		*ret = at + GLOBAL_HEADER;
	}
	return r;
}

/* Completes the unit in c->rest as far as these bytes allow. *ret is the number of bytes taken. */
static int pcap_fill_rest(struct cutter *c, const char *data, size_t len, size_t *ret, struct error *err)
{
	size_t unit, taken = 0;
	int r;

	while ((r = pcap_unit(c, buf_str(&c->rest), c->rest.len, &unit, err)) == 0 && unit > c->rest.len &&
	       taken < len) {
		size_t n = unit - c->rest.len < len - taken ? unit - c->rest.len : len - taken;

		r = buf_append(&c->rest, data + taken, n);
		if (r < 0)
			return r;
		taken += n;
	}
	*ret = taken;
	if (r == 0 && unit <= c->rest.len) {
		size_t used;

		r = pcap_take_run(c, c->rest.data, c->rest.len, &used, err);
		buf_clear(&c->rest);
	}
	return r;
}

static int pcap_feed(struct cutter *c, const char *data, size_t len, struct error *err)
{
	int r = 0;

	while (r == 0 && len) {
		size_t taken = 0;

		if (c->rest.len)
			r = pcap_fill_rest(c, data, len, &taken, err);
		else
			r = pcap_take_run(c, data, len, &taken, err);
		if (r == 0 && !taken) {
			r = buf_append(&c->rest, data, len);
			taken = len;
		}
		data += taken;
		len -= taken;
	}
	return r;
}

const struct cutter_kind cutter_pcap = {.unit = "packet", .feed = pcap_feed};
