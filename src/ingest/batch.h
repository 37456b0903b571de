/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.h - the format of a file in the spool, which describes a batch and proves that the file is complete. Pure; any
 * thread. The buffers belong to the caller.
 *
 * A file is
 *
 *   gzip data | facts | footer
 *
 * with the facts as JSON, and a footer of 32 bytes, little-endian: "VASTFSB1", u64 length of the gzip data, u32 length
 * of the facts, u32 CRC-32 of the gzip data, u32 CRC-32 of the facts, u32 CRC-32 of the footer before it. When a batch
 * is rejected, the facts with the reason and another footer are appended. The last complete footer counts, so an
 * interrupted write leaves the previous state of the file.
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
	uint64_t import; /* the number of the import */
	uint32_t index;	 /* number of the batch in its import, from 1 */
	char format[FORMAT_NAME_MAX + 1];
	uint64_t events, bytes, inflated;     /* see struct packer */
	uint64_t events_before, bytes_before; /* events and bytes of the earlier batches of the import */
	int64_t created_ms;		      /* wall clock time of the start of the import */
	int32_t pid;
	uint32_t uid;
	/* The batch is a last line without its end. It counts unless the rest of the line arrived. */
	bool is_last_line;
	bool goes_alone;    /* no other batch may follow in the same invocation: a line end may be missing */
	bool ordered;	    /* the batches of the import are delivered one after the other */
	struct place place; /* the destination of the events */
	char why[400];	    /* the reason for a rejection; "": the batch was not rejected */
};

struct batch_sizes {
	uint64_t data;
	uint32_t data_crc;
};

/* Appends the facts and the footer. data_crc is the CRC-32 of the data (base/crc32.h). */
int batch_seal(const struct batch_facts *f, const struct batch_sizes *sizes, struct buf *out);

/*
 * Reads the facts and the footer at the end of a file. tail has the last bytes of the file, and file_size is the size
 * of the file. Returns -EBADMSG if tail has no complete footer. The caller checks the data against ret_sizes when it
 * reads the data.
 */
int batch_read(const char *tail, size_t len, uint64_t file_size, struct batch_facts *ret,
	       struct batch_sizes *ret_sizes);

#endif
