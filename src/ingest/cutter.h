/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cutter.h - cuts a stream of events into units.
 *
 * A stream arrives in pieces of any size and leaves as runs of complete units: lines, rows or packets. The header with
 * which every batch must start (a CSV header, Zeek's # lines, a pcap global header) is handed out separately. Pure: no
 * I/O and no clock. One thread at a time may use a cutter. The caller owns the cutter and the sink; the bytes that the
 * sink receives are valid only during the call.
 *
 * Sources: RFC 4180 (CSV), Zeek's "ASCII writer" (# lines), draft-ietf-opsawg-pcap (pcap).
 */
#ifndef VASTFS_INGEST_CUTTER_H
#define VASTFS_INGEST_CUTTER_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define CUTTER_UNIT_MAX	  (4 << 20)   /* bytes of one line, row or packet */
#define CUTTER_HEADER_MAX (256 << 10) /* bytes of a header */

struct cutter;

/* The receiver of the units. Each function returns 0 or a negative errno, which stops the cutter. */
struct cutter_sink {
	/* Takes complete units. n of them are events; blank lines and trailers are not events. */
	int (*events)(const char *data, size_t len, uint64_t n, void *arg);
	/* Takes a header. Every later batch starts with it, and a batch under way ends before it. */
	int (*header)(const char *data, size_t len, void *arg);
	/*
	 * Takes the next piece of a unit of more than CUTTER_UNIT_MAX bytes. refused() follows at the end of the unit,
	 * with data NULL.
	 */
	int (*oversized)(const char *data, size_t len, void *arg);
	/*
	 * Takes a unit that cannot be delivered. number counts lines or packets from 1. data is NULL if oversized() has
	 * had the unit.
	 */
	int (*refused)(uint64_t number, const char *why, const char *data, size_t len, void *arg);
	void *arg;
};

enum cutter_row { ROW_EVENT, ROW_BLANK, ROW_HEADER };

/* A method of cutting. Each format names one (ingest/format.h). */
struct cutter_kind {
	const char *unit; /* noun for messages: "line" or "packet" */
	bool is_text;	  /* the stream consists of lines; UTF-16 is refused */
	bool is_whole;	  /* the stream is one unit, which must fit into one batch */
	bool is_joinable; /* streams can be concatenated: units need no header */
	char separator;	  /* separator of fields; 0: the rows are not split into fields */
	bool has_quotes;  /* a line end between double quotes does not end a row */
	int (*feed)(struct cutter *c, const char *data, size_t len, struct error *err);
	/* Returns the class of a row. NULL: the stream is not cut into rows. */
	enum cutter_row (*classify)(const struct cutter *c, const char *row, size_t len);
	/* Returns whether a last unit is complete although its end is missing. NULL: such a unit is never complete. */
	bool (*is_complete)(const struct cutter *c, const char *data, size_t len);
};

extern const struct cutter_kind cutter_json;  /* lines of JSON */
extern const struct cutter_kind cutter_lines; /* other lines */
extern const struct cutter_kind cutter_csv;
extern const struct cutter_kind cutter_tsv;
extern const struct cutter_kind cutter_ssv;
extern const struct cutter_kind cutter_zeek;
extern const struct cutter_kind cutter_pcap;
extern const struct cutter_kind cutter_whole;

struct cutter {
	const struct cutter_kind *kind;
	const struct cutter_sink *sink; /* borrowed */
	struct buf rest;		/* the start of a unit whose end has not arrived */
	struct buf header;		/* the current header */
	struct buf block;		/* Zeek: the # lines that are arriving */
	uint64_t number;		/* number of the current line or packet, from 1 */
	uint64_t unit_number;		/* number of the line or packet at which the current unit starts */
	bool is_oversized; /* the row is too long, so its bytes go to oversized() up to the next line end */
	bool in_quotes;
	bool began;
};

void cutter_init(struct cutter *c, const struct cutter_kind *kind, const struct cutter_sink *sink);
void cutter_free(struct cutter *c);

/*
 * Takes the next bytes. Returns the result of the sink, -EILSEQ for UTF-16, -EBADMSG with a message for a stream that
 * does not have its format and cannot be cut, or -ENOMEM. The units before the error have been handed out.
 */
int cutter_feed(struct cutter *c, const char *data, size_t len, struct error *err);

/* Ends the stream: the remaining bytes are handed out or refused. */
int cutter_end(struct cutter *c);

/* The message for a unit that is longer than CUTTER_UNIT_MAX. */
extern const char cutter_oversized_why[];

/* Returns whether the remaining bytes, which are in c->rest, would be handed out if the stream ended here. */
bool cutter_rest_is_complete(const struct cutter *c);

/*
 * For the cutters only. cutter_feed_rows() takes rows of text. cutter_settle_header() hands out the header that has
 * arrived, if there is one.
 */
int cutter_feed_rows(struct cutter *c, const char *data, size_t len, struct error *err);
int cutter_settle_header(struct cutter *c);

#endif
