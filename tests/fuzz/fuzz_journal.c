/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens a journal twice. Checks that the second time no line is unreadable and the entries are the same. */
#include "base/log.h"
#include "jobs/journal.h"

#include "files.h"

static size_t journal_read(struct journal_entry *last, struct place *places, size_t *places_n, struct error *note)
{
	char dir[PATH_MAX + 16];
	struct journal *j;
	size_t n;

	snprintf(dir, sizeof(dir), "%s/state", files_here());
	*note = (struct error){0};
	fuzz_require(journal_open(dir, &j, note) == 0);
	n = journal_size(j);
	if (n)
		fuzz_require(journal_get(j, n - 1, last));
	*places_n = journal_deployed(j, places);
	journal_close(j);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct journal_entry last = {0}, again = {0};
	struct place places[JOURNAL_DEPLOYED_MAX], places_again[JOURNAL_DEPLOYED_MAX];
	struct error note;
	size_t n, places_n, places_again_n;

	files_remove_all();
	*files_directory = '\0';
	log_set_level(LOG_LEVEL_ERROR);
	files_here();
	{
		char path[PATH_MAX + 16];

		snprintf(path, sizeof(path), "%s/state", files_here());
		fuzz_require(mkdir(path, 0700) == 0);
	}
	files_put("state/journal.jsonl", data, len);
	n = journal_read(&last, places, &places_n, &note);
	if (note.errnum == -EPROTONOSUPPORT)
		return 0;
	fuzz_require(journal_read(&again, places_again, &places_again_n, &note) == n);
	fuzz_require(!note.errnum && places_n == places_again_n);
	fuzz_require(memcmp(&last.place, &again.place, sizeof(last.place)) == 0 && last.number == again.number);
	fuzz_require(last.state == again.state && last.created_ms == again.created_ms);
	fuzz_require(strcmp(last.message, again.message) == 0 && strcmp(last.result, again.result) == 0);
	return 0;
}
