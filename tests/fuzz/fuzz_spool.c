/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recovers the imports of a spool directory, as a mount does after a crash, and delivers them. The input is a list of
 * files, each with a head that determines its name, and whether its data gets a correct footer, because a fuzzer does
 * not find checksums.
 */
#include "base/log.h"
#include "ingest/ingest.h"

#include "files.h"

#include <dirent.h>
#include <endian.h>
#include <zlib.h>

#define SPOOL_HEAD 3 /* kind, number, length */
#define SPOOL_SEAL 0x80

struct spool_sums {
	unsigned imports;
	uint64_t events, bytes;
};

static char spool_directory[PATH_MAX + 16];

static void spool_put_number(uint8_t *out, uint32_t n)
{
	memcpy(out, &(uint32_t){htole32(n)}, 4);
}

/* Without gzip data: the first byte of the footer's lengths stays 0. */
static void spool_put_sealed(const char *name, const uint8_t *facts, size_t len)
{
	uint8_t file[256 + BATCH_FOOTER_SIZE] = {0}, *footer = file + len;

	memcpy(file, facts, len);
	memcpy(footer, "VASTFSB1", 8);
	spool_put_number(footer + 16, (uint32_t)len);
	spool_put_number(footer + 24, (uint32_t)crc32(0, facts, (uInt)len));
	spool_put_number(footer + 28, (uint32_t)crc32(0, footer, 28));
	files_put(name, file, len + BATCH_FOOTER_SIZE);
}

static void spool_name_file(const uint8_t *head, char *out, size_t size)
{
	static const char *const suffixes[] = {"batch", "sent", "rejected", "last-line"};
	unsigned import = 1 + head[1] % 4, index = head[1] / 4 % 8;
	const char *suffix = suffixes[head[0] / 8 % 4];

	switch (head[0] % 8) {
	case 0:
		snprintf(out, size, "spool/format");
		break;
	case 1:
		snprintf(out, size, "spool/.new-%010u-%06u.%s", import, index, suffix);
		break;
	case 2:
		snprintf(out, size, "spool/%u-%u.%s", import, index, suffix);
		break;
	default:
		snprintf(out, size, "spool/%010u-%06u.%s", import, index, suffix);
	}
}

static void spool_make(const uint8_t *data, size_t len)
{
	char name[64];

	files_remove_all();
	*files_directory = '\0';
	snprintf(spool_directory, sizeof(spool_directory), "%s/spool", files_here());
	fuzz_require(mkdir(spool_directory, 0700) == 0);
	while (len >= SPOOL_HEAD) {
		size_t n = data[2] < len - SPOOL_HEAD ? data[2] : len - SPOOL_HEAD;

		spool_name_file(data, name, sizeof(name));
		if (data[0] & SPOOL_SEAL)
			spool_put_sealed(name, data + SPOOL_HEAD, n);
		else
			files_put(name, data + SPOOL_HEAD, n);
		data += SPOOL_HEAD + n;
		len -= SPOOL_HEAD + n;
	}
}

static struct job *spool_make_job(const struct batch_facts *facts, void *arg)
{
	(void)arg;
	fuzz_require(facts->import && facts->index && format_name_is_valid(facts->format));
	return job_new(JOB_IMPORT, facts->import, facts->format, NULL);
}

static void spool_changed(void *arg)
{
	(void)arg;
}

static void spool_ended(struct import *imp, void *arg)
{
	(void)imp, (void)arg;
}

static struct ingest *spool_recover_all(struct error *note)
{
	struct ingest_config config = {.directory = spool_directory, .changed = spool_changed, .ended = spool_ended};
	struct ingest *in = NULL;

	*note = (struct error){0};
	fuzz_require(ingest_new(&config, &in, note) == 0);
	fuzz_require(ingest_recover(in, spool_make_job, NULL, note) == 0);
	return in;
}

static void spool_loaded(struct buf *data, void *arg)
{
	(void)data, (void)arg;
}

static bool spool_may_go(const struct place *place, void *arg)
{
	(void)place, (void)arg;
	return true;
}

/* Every batch can be delivered, and nothing but rejected batches is left. */
static void spool_deliver(struct ingest *in)
{
	struct take_rules rules = {.may_go = spool_may_go};
	struct ingest_totals totals;
	struct batch_group group;

	for (unsigned rounds = 0; ingest_take(in, &rules, &group); rounds++) {
		fuzz_require(rounds < 1000);
		batch_group_load(in, &group, spool_loaded, NULL);
		for (size_t i = 0; i < group.n; i++)
			if (batch_contents(group.batches[i])->events % 2)
				batch_acknowledge(group.batches[i]);
			else
				batch_reject(group.batches[i], 1, "no");
	}
	ingest_totals(in, &totals);
	fuzz_require(!totals.imports && !totals.events_waiting && !totals.bytes_waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ingest_totals first, second;
	struct ingest *in;
	struct error note;

	log_set_level(LOG_LEVEL_ERROR);
	spool_make(data, len);
	in = spool_recover_all(&note);
	ingest_totals(in, &first);
	ingest_free(in);
	if (note.errnum == -EPROTO)
		return 0;
	in = spool_recover_all(&note);
	ingest_totals(in, &second);
	fuzz_require(!error_is(&note));
	fuzz_require(first.imports == second.imports && first.events_waiting == second.events_waiting);
	fuzz_require(first.spool_bytes == second.spool_bytes);
	spool_deliver(in);
	ingest_free(in);
	return 0;
}
