/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cutter.h - cuts a stream of events where it may be cut.
 *
 * A stream arrives in pieces of any size and leaves as runs of whole units: lines, rows or packets. What every batch
 * has to begin with (a CSV header, Zeek's # lines, a pcap global header) is handed out separately. Pure: no I/O, no
 * clock; one thread at a time.
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

/* Where the units go. Each returns 0 or a negative errno, which ends the cutting. */
struct cutter_sink {
	/* Whole units, of which n are events: blank lines and trailers are none. */
	int (*events)(const char *data, size_t len, uint64_t n, void *arg);
	/* From here on every batch begins with these bytes; a batch under way ends before. */
	int (*header)(const char *data, size_t len, void *arg);
	/* A unit that cannot be delivered. number counts lines or packets from 1; data is NULL where it is not kept. */
	int (*refused)(uint64_t number, const char *why, const char *data, size_t len, void *arg);
	void *arg;
};

enum cutter_row { ROW_EVENT, ROW_BLANK, ROW_HEADER };

/* One way to cut; a format names one (ingest/format.h). */
struct cutter_kind {
	const char *unit; /* for people: "line", "packet" */
	bool is_text;	  /* lines; UTF-16 is refused */
	bool is_whole;	  /* the stream is one unit: it must fit into one batch */
	char separator;	  /* of fields; 0: the fields are not looked at */
	bool has_quotes;  /* a line end between double quotes ends no row */
	int (*feed)(struct cutter *c, const char *data, size_t len, struct error *err);
	/* What a row is; NULL: not cut into rows. */
	enum cutter_row (*classify)(const struct cutter *c, const char *row, size_t len);
	/* Whether a last unit is whole although its end is missing; NULL: it never is. */
	bool (*is_complete)(const struct cutter *c, const char *data, size_t len);
};

extern const struct cutter_kind cutter_json;  /* lines that are JSON */
extern const struct cutter_kind cutter_lines; /* other lines */
extern const struct cutter_kind cutter_csv;
extern const struct cutter_kind cutter_tsv;
extern const struct cutter_kind cutter_zeek;
extern const struct cutter_kind cutter_pcap;
extern const struct cutter_kind cutter_whole;

struct cutter {
	const struct cutter_kind *kind;
	const struct cutter_sink *sink; /* borrowed */
	struct buf rest;		/* the beginning of a unit whose end has not arrived */
	struct buf header;		/* in force */
	struct buf block;		/* Zeek: the # lines that are arriving */
	uint64_t number;		/* of the line or packet at hand, from 1 */
	uint64_t unit_number;		/* where the unit at hand begins */
	bool skipping;			/* until the next line end: the row is too long */
	bool in_quotes;
	bool began;
};

void cutter_init(struct cutter *c, const struct cutter_kind *kind, const struct cutter_sink *sink);
void cutter_free(struct cutter *c);

/*
 * The next bytes. What the sink returned; -EILSEQ for UTF-16, -EBADMSG for a stream that is not of its format and
 * cannot be cut (with a message); -ENOMEM. Units before the fault have been handed out.
 */
int cutter_feed(struct cutter *c, const char *data, size_t len, struct error *err);

/* The stream has ended: hands out or refuses what is left. */
int cutter_end(struct cutter *c);

/* Whether what is left would be handed out if the stream ended here; c->rest are its bytes. */
bool cutter_rest_is_complete(const struct cutter *c);

/* For the files of cutters: feeds rows of text; hands out the header that has arrived, if one has. */
int cutter_feed_rows(struct cutter *c, const char *data, size_t len, struct error *err);
int cutter_settle_header(struct cutter *c);

#endif
