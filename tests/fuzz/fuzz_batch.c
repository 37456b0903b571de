/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the end of a file of the spool. A fuzzer does not find checksums, so the input is also parsed as facts with a
 * correct footer. */
#include "ingest/batch.h"

#include "fuzz.h"

#include <endian.h>
#include <zlib.h>

static void batch_check(const uint8_t *data, size_t len, uint64_t file_size)
{
	struct batch_facts facts, again;
	struct batch_sizes sizes, sizes_again;
	struct buf sealed = BUF_INIT(4 << 20);

	if (batch_read((const char *)data, len, file_size, &facts, &sizes) == 0) {
		fuzz_require(sizes.data <= file_size);
		fuzz_require(batch_seal(&facts, &sizes, &sealed) == 0);
		fuzz_require(batch_read(sealed.data, sealed.len, sizes.data + sealed.len, &again, &sizes_again) == 0);
		fuzz_require(facts.import == again.import && facts.index == again.index && facts.bytes == again.bytes);
		fuzz_require(facts.pid == again.pid && facts.uid == again.uid && facts.created_ms == again.created_ms);
		fuzz_require(strcmp(facts.format, again.format) == 0 &&
			     strcmp(facts.place.stack, again.place.stack) == 0);
		fuzz_require(sizes.data == sizes_again.data && sizes.data_crc == sizes_again.data_crc);
	}
	buf_free(&sealed);
}

static void batch_put_number(uint8_t *out, uint32_t n)
{
	memcpy(out, &(uint32_t){htole32(n)}, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *file = calloc(1, len + BATCH_FOOTER_SIZE), *footer = file + len;

	fuzz_require(file);
	batch_check(data, len, len);
	batch_check(data, len, UINT64_MAX);
	if (len)
		memcpy(file, data, len);
	memcpy(footer, "VASTFSB1", 8);
	batch_put_number(footer + 16, (uint32_t)len);
	batch_put_number(footer + 24, (uint32_t)crc32(0, data, (uInt)len));
	batch_put_number(footer + 28, (uint32_t)crc32(0, footer, 28));
	batch_check(file, len + BATCH_FOOTER_SIZE, len + BATCH_FOOTER_SIZE);
	free(file);
	return 0;
}
