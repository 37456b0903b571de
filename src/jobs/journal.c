/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/journal.h"

#include "base/log.h"
#include "jobs/journal_inside.h"

#include <inttypes.h>
#include <string.h>

/*
 * Numbers of queries are reserved in blocks, because their jobs are made on a thread that must not block on the disk.
 */
#define NUMBERS_RESERVED 100

/* -- the model ------------------------------------------------------------------------------------------------- */

/* Returns j->n if there is none. */
static size_t journal_entry_find(const struct journal *j, uint64_t number)
{
	size_t i = 0;

	while (i < j->n && j->entries[i].number != number)
		i++;
	return i;
}

static void journal_entry_drop(struct journal *j, size_t i)
{
	cJSON_Delete(j->memory[i]);
	j->n--;
	memmove(&j->entries[i], &j->entries[i + 1], (j->n - i) * sizeof(j->entries[0]));
	memmove(&j->memory[i], &j->memory[i + 1], (j->n - i) * sizeof(j->memory[0]));
}

/* The oldest ended entry; if none has ended, the oldest one, although it could be resumed. */
static size_t journal_entry_oldest(const struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (job_state_ended(j->entries[i].state))
			return i;
	return 0;
}

void journal_entry_set(struct journal *j, const struct journal_entry *e, cJSON *memory)
{
	size_t i = journal_entry_find(j, e->number);

	if (i == j->n) {
		if (j->n == JOURNAL_ENTRIES_KEPT)
			journal_entry_drop(j, journal_entry_oldest(j));
		i = j->n++;
		j->memory[i] = NULL;
	}
	j->entries[i] = *e;
	if (memory != j->memory[i])
		cJSON_Delete(j->memory[i]);
	j->memory[i] = memory;
	if (job_state_ended(e->state)) {
		cJSON_Delete(memory);
		j->memory[i] = NULL;
	}
	if (e->number > j->last[JOB_OPERATION])
		j->last[JOB_OPERATION] = e->number;
}

static cJSON *journal_entry_memory(const struct journal *j, uint64_t number)
{
	size_t i = journal_entry_find(j, number);

	return i < j->n ? j->memory[i] : NULL;
}

/* -- writing --------------------------------------------------------------------------------------------------- */

static int journal_print_all(const struct journal *j, struct buf *out)
{
	int r = journal_record_format(out);

	if (r == 0)
		r = journal_record_numbers(j->written, out);
	if (r == 0 && j->deployed_n)
		r = journal_record_deployed(j->deployed, j->deployed_n, out);
	for (size_t i = 0; i < j->n && r == 0; i++)
		r = journal_record_entry(&j->entries[i], j->memory[i], out);
	return r < 0 ? r : out->error;
}

int journal_write_all(struct journal *j, bool durable)
{
	_buf_ struct buf text = BUF_INIT(JOURNAL_FILE_MAX);
	int r = journal_print_all(j, &text);

	if (r == 0 && j->bad_lines)
		r = journal_file_keep(&j->file);
	if (r < 0)
		return r;
	j->bad_lines = 0;
	r = journal_file_replace(&j->file, buf_str(&text), text.len, durable);
	if (r == 0)
		j->stale = false;
	return r;
}

/* Under the lock: ensures that the file contains all earlier records, so that a line can be appended. */
static int journal_make_ready(struct journal *j)
{
	if (error_is(&j->refusal))
		return j->refusal.errnum;
	if (journal_file_is_ready(&j->file) && !j->stale)
		return 0;
	return journal_write_all(j, false);
}

static int journal_write_line(struct journal *j, const struct buf *line)
{
	int r = journal_make_ready(j);

	if (r == 0)
		r = line->error ? line->error : journal_file_append(&j->file, buf_str(line), line->len);
	return r;
}

int journal_report(const struct journal *j, int r, struct error *err)
{
	if (error_is(&j->refusal) && err) {
		*err = j->refusal;
		return r;
	}
	error_set(err, r, "cannot write the journal of operations %s: %s", j->file.path, strerror(-r));
	error_remedy(err, "free disk space or fix the directory, then start the operation again");
	return r;
}

/* -- opening --------------------------------------------------------------------------------------------------- */

static void journal_free(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		cJSON_Delete(j->memory[i]);
	journal_file_free(&j->file);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

int journal_open(const char *dir, struct journal **ret, struct error *note)
{
	struct journal *j = calloc(1, sizeof(*j));
	_free_ char *previous = NULL;

	if (!j)
		return -ENOMEM;
	pthread_mutex_init(&j->lock, NULL);
	if (journal_file_init(&j->file, dir) < 0 || asprintf(&previous, "%s/journal.json", dir) < 0) {
		previous = NULL;
		journal_free(j);
		return -ENOMEM;
	}
	journal_load(j, previous, note);
	*ret = j;
	return 0;
}

/*
 * The file is also written after the user has removed it, because the next mount resumes the operations that it lists.
 */
static void journal_write_last(struct journal *j)
{
	_buf_ struct buf line = BUF_INIT(1024);
	int r;

	if (journal_file_is_ready(&j->file) && !j->stale && memcmp(j->written, j->last, sizeof(j->last)) == 0)
		return;
	memcpy(j->written, j->last, sizeof(j->last));
	r = journal_record_numbers(j->last, &line);
	if (r == 0)
		r = journal_write_line(j, &line);
	if (r < 0)
		log_warning("cannot write %s: the next mount may reuse numbers", j->file.path);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (!error_is(&j->refusal))
		journal_write_last(j);
	journal_free(j);
}

/* -- numbers --------------------------------------------------------------------------------------------------- */

uint64_t journal_last_number(struct journal *j, enum job_kind kind)
{
	uint64_t last;

	pthread_mutex_lock(&j->lock);
	last = j->last[kind];
	pthread_mutex_unlock(&j->lock);
	return last;
}

/* The entry of an operation has its number; an operation of another place has no entry. */
static void journal_reserve_numbers(struct journal *j, enum job_kind kind)
{
	_buf_ struct buf line = BUF_INIT(1024);
	uint64_t before = j->written[kind];

	j->written[kind] = j->last[kind] + (kind == JOB_OPERATION ? 0 : NUMBERS_RESERVED - 1);
	if (journal_record_numbers(j->written, &line) < 0 || journal_write_line(j, &line) < 0)
		j->written[kind] = before;
}

void journal_set_last_number(struct journal *j, enum job_kind kind, uint64_t number)
{
	pthread_mutex_lock(&j->lock);
	if (number > j->last[kind])
		j->last[kind] = number;
	if (j->last[kind] > j->written[kind])
		journal_reserve_numbers(j, kind);
	pthread_mutex_unlock(&j->lock);
}

/* -- entries --------------------------------------------------------------------------------------------------- */

static cJSON *journal_memory_with(const cJSON *old, const char *key, const char *value)
{
	cJSON *memory = old ? cJSON_Duplicate(old, true) : cJSON_CreateObject();

	cJSON_DeleteItemFromObjectCaseSensitive(memory, key);
	if (memory && cJSON_AddStringToObject(memory, key, value))
		return memory;
	cJSON_Delete(memory);
	return NULL;
}

/* Writes the line first: an operation that cannot be written is not accepted. Takes ownership of memory. */
static int journal_add_locked(struct journal *j, const struct journal_entry *e, cJSON *memory)
{
	_buf_ struct buf line = BUF_INIT(JOURNAL_FILE_MAX);
	int r = memory ? journal_record_entry(e, memory, &line) : -ENOMEM;

	if (r == 0)
		r = journal_write_line(j, &line);
	if (r < 0)
		cJSON_Delete(memory);
	else
		journal_entry_set(j, e, memory);
	return r;
}

int journal_add(struct journal *j, const struct journal_entry *entry, const char *settings, struct error *err)
{
	int r;

	pthread_mutex_lock(&j->lock);
	r = journal_add_locked(j, entry, journal_memory_with(NULL, JOURNAL_SETTINGS, settings));
	if (r < 0)
		journal_report(j, r, err);
	pthread_mutex_unlock(&j->lock);
	return r;
}

int journal_update(struct journal *j, const struct journal_entry *entry)
{
	_buf_ struct buf line = BUF_INIT(JOURNAL_FILE_MAX);
	int r;

	pthread_mutex_lock(&j->lock);
	journal_entry_set(j, entry, journal_entry_memory(j, entry->number));
	r = journal_record_entry(entry, journal_entry_memory(j, entry->number), &line);
	if (r == 0)
		r = journal_write_line(j, &line);
	if (r < 0)
		j->stale = true;
	pthread_mutex_unlock(&j->lock);
	return r;
}

int journal_sync(struct journal *j)
{
	int directory, fd;

	pthread_mutex_lock(&j->lock);
	fd = journal_make_ready(j);
	if (fd == 0)
		fd = journal_file_begin_sync(&j->file, &directory);
	pthread_mutex_unlock(&j->lock);
	return fd < 0 ? fd : journal_file_fsync(fd, directory);
}

static int journal_remember_locked(struct journal *j, uint64_t number, const char *key, const char *value)
{
	size_t i = journal_entry_find(j, number);
	struct journal_entry e;

	if (i == j->n)
		return -ENOENT;
	e = j->entries[i];
	return journal_add_locked(j, &e, journal_memory_with(j->memory[i], key, value));
}

int journal_remember(struct journal *j, uint64_t number, const char *key, const char *value)
{
	int r;

	pthread_mutex_lock(&j->lock);
	r = journal_remember_locked(j, number, key, value);
	pthread_mutex_unlock(&j->lock);
	return r < 0 ? r : journal_sync(j);
}

int journal_memory(struct journal *j, uint64_t number, cJSON **ret)
{
	const cJSON *memory;
	int r;

	pthread_mutex_lock(&j->lock);
	memory = journal_entry_memory(j, number);
	*ret = memory ? cJSON_Duplicate(memory, true) : NULL;
	r = memory && !*ret ? -ENOMEM : 0;
	pthread_mutex_unlock(&j->lock);
	return r;
}

size_t journal_size(struct journal *j)
{
	size_t n;

	pthread_mutex_lock(&j->lock);
	n = j->n;
	pthread_mutex_unlock(&j->lock);
	return n;
}

bool journal_get(struct journal *j, size_t index, struct journal_entry *ret)
{
	bool found;

	pthread_mutex_lock(&j->lock);
	found = index < j->n;
	if (found)
		*ret = j->entries[index];
	pthread_mutex_unlock(&j->lock);
	return found;
}

static void journal_edit_restore(struct job_view *v, void *arg)
{
	const struct journal_entry *e = arg;
	_buf_ struct buf result = BUF_INIT(sizeof(e->result));
	struct error err;

	v->state = e->state;
	v->ran = e->state == JOB_SUCCEEDED;
	v->exit_code = e->exit_code;
	v->started_ms = e->started_ms;
	v->ended_ms = e->ended_ms;
	error_set(&err, -EIO, "%s", e->message);
	if (e->state != JOB_SUCCEEDED)
		job_view_set_error(v, &err);
	if (*e->result && buf_puts(&result, e->result) == 0)
		v->result = blob_from_buf(&result);
}

void journal_entry_restore(const struct journal_entry *e, struct job *j)
{
	j->created_ms = e->created_ms;
	job_edit(j, journal_edit_restore, (void *)e);
}

/* -- deployed stacks ------------------------------------------------------------------------------------------- */

static bool journal_place_is(const struct place *a, const struct place *b)
{
	return strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0 &&
	       strcmp(a->endpoint, b->endpoint) == 0 && strcmp(a->stack, b->stack) == 0;
}

static void journal_deployed_drop(struct journal *j, const struct place *p)
{
	size_t n = 0;

	for (size_t i = 0; i < j->deployed_n; i++)
		if (!journal_place_is(&j->deployed[i], p))
			j->deployed[n++] = j->deployed[i];
	j->deployed_n = n;
}

static void journal_deployed_write(struct journal *j)
{
	_buf_ struct buf line = BUF_INIT(JOURNAL_FILE_MAX);

	if (journal_record_deployed(j->deployed, j->deployed_n, &line) < 0 || journal_write_line(j, &line) < 0)
		j->stale = true;
}

void journal_deployed_add(struct journal *j, const struct place *p)
{
	pthread_mutex_lock(&j->lock);
	journal_deployed_drop(j, p);
	if (j->deployed_n == JOURNAL_DEPLOYED_MAX)
		memmove(&j->deployed[0], &j->deployed[1], --j->deployed_n * sizeof(j->deployed[0]));
	j->deployed[j->deployed_n++] = *p;
	journal_deployed_write(j);
	pthread_mutex_unlock(&j->lock);
}

void journal_deployed_remove(struct journal *j, const struct place *p)
{
	pthread_mutex_lock(&j->lock);
	journal_deployed_drop(j, p);
	journal_deployed_write(j);
	pthread_mutex_unlock(&j->lock);
}

size_t journal_deployed(struct journal *j, struct place ret[static JOURNAL_DEPLOYED_MAX])
{
	size_t n;

	pthread_mutex_lock(&j->lock);
	n = j->deployed_n;
	memcpy(ret, j->deployed, n * sizeof(ret[0]));
	pthread_mutex_unlock(&j->lock);
	return n;
}
