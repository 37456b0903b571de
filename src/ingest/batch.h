/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.h - what a file of the spool says about its batch, and how it proves that it is whole. Pure.
 *
 * A file is
 *
 *	gzip data | facts | footer
 *
 * with the facts as JSON, and a footer of 32 bytes, little-endian: "VASTFSB1", u64 length of the gzip data, u32 length
 * of the facts, u32 CRC-32 of the gzip data, u32 CRC-32 of the facts, u32 CRC-32 of the footer before it. Facts and
 * footer may be appended once more, with the reason for which a batch was rejected: the last footer that is whole
 * counts, so a write that was cut short leaves the file as it was.
 */
#ifndef VASTFS_INGEST_BATCH_H
#define VASTFS_INGEST_BATCH_H

#include "base/buf.h"
#include "ingest/format.h"
#include "jobs/place.h"

#include <stdint.h>

#define BATCH_FACTS_MAX	  8192
#define BATCH_FOOTER_SIZE 32

struct batch_facts {
	uint64_t import; /* number of the import */
	uint32_t index;	 /* of the batch in it, from 1 */
	char format[FORMAT_NAME_MAX + 1];
	uint64_t events, bytes, inflated;     /* as in packer.h */
	uint64_t events_before, bytes_before; /* in the import, before this batch */
	int64_t created_ms;		      /* wall clock, of the import */
	int32_t pid;
	uint32_t uid;
	bool is_last_line;  /* a last line without its end, which counts unless the rest of it came */
	bool ordered;	    /* the import's batches are delivered one after the other */
	struct place place; /* where the events are to go */
	char why[400];	    /* why it was rejected; "": it was not */
};

struct batch_sizes {
	uint64_t data;
	uint32_t data_crc;
};

/* Appends facts and footer. data_crc: crc32() of zlib over the data. */
int batch_seal(const struct batch_facts *f, const struct batch_sizes *sizes, struct buf *out);

/*
 * Reads them from the end of a file: tail are its last bytes, file_size all of them. -EBADMSG: there is no whole
 * footer in tail; the data itself is checked against ret_sizes by its reader.
 */
int batch_read(const char *tail, size_t len, uint64_t file_size, struct batch_facts *ret,
	       struct batch_sizes *ret_sizes);

#endif
