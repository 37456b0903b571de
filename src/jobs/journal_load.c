/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_load.c - reads the journal at mount: the file of this or the previous version, intact or damaged.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/journal_inside.h"

#include <string.h>

#define LINES_BESIDE_ENTRIES 8 /* lines for format, numbers and deployed, and a few superseded lines */

/* -- reading --------------------------------------------------------------------------------------------------- */

/*
 * 0 or -ENOMEM. Missing memory must be an error, because without its stored data an operation would not recognize its
 * own work.
 */
static int load_read_entry(struct journal *j, const cJSON *o)
{
	const cJSON *memory = cJSON_GetObjectItemCaseSensitive(o, "memory");
	cJSON *copy = memory ? cJSON_Duplicate(memory, true) : NULL;
	struct journal_entry e;

	if (memory && !copy)
		return -ENOMEM;
	journal_parse_entry(o, &e);
	if (e.number)
		journal_entry_set(j, &e, copy);
	else
		cJSON_Delete(copy);
	return 0;
}

static int load_read_record(struct journal *j, const cJSON *record)
{
	const cJSON *value = record ? record->child : NULL;
	const char *kind = value && value->string ? value->string : "";

	if (strcmp(kind, "journal") == 0)
		return journal_parse_number(record, "journal") > JOURNAL_FORMAT ? -EPROTONOSUPPORT : 0;
	if (strcmp(kind, "numbers") == 0)
		journal_parse_numbers(value, j->written);
	else if (strcmp(kind, "entry") == 0)
		return load_read_entry(j, value);
	else if (strcmp(kind, "deployed") == 0)
		j->deployed_n = journal_parse_deployed(value, j->deployed);
	else
		return -EBADMSG;
	return 0;
}

/* A NUL ends the text for the parser, so a hole in the file also makes an unreadable line. */
static int load_read_line(struct journal *j, const char *line, size_t len)
{
	const char *end = NULL;
	cJSON *record;
	int r = json_parse(line, len, &record, &end);

	if (r == 0)
		r = end == line + len ? load_read_record(j, record) : -EBADMSG;
	cJSON_Delete(record);
	if (j->lines++ == 0 && r == 0 && strncmp(line, "{\"journal\":", 11) != 0)
		j->bad_lines++;
	return r;
}

/*
 * -EPROTONOSUPPORT: a newer vastfs wrote the file. -ENOMEM: there was no memory for a line. Other unreadable lines are
 * counted and ignored.
 */
static int load_read_lines(struct journal *j, const struct buf *text)
{
	const char *line = buf_str(text), *end = line + text->len;

	if (!text->len)
		j->bad_lines++;
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);
		int r = load_read_line(j, line, len);

		if (r == -EPROTONOSUPPORT || r == -ENOMEM)
			return r;
		j->bad_lines += r < 0;
		line += len + 1;
	}
	return 0;
}

static void load_settle_numbers(struct journal *j)
{
	for (int kind = 0; kind < JOB_KIND_MAX; kind++) {
		if (j->written[kind] > j->last[kind])
			j->last[kind] = j->written[kind];
		j->written[kind] = j->last[kind];
	}
}

static int load_refuse(struct journal *j, int r, const char *why)
{
	error_set(&j->refusal, r, "cannot use the journal of operations %s: %s", j->file.path, why);
	error_remedy(&j->refusal, "%s",
		     r == -EPROTONOSUPPORT ? "mount with that version of vastfs, or move the file away and mount again"
		     : r == -ENOMEM	   ? "free memory, then mount again"
					   : "make the file readable, or move it away, then mount again");
	return r;
}

/* 0: the file was read, or does not exist (*ret_exists false). */
static int load_read_file(struct journal *j, bool *ret_exists)
{
	_buf_ struct buf text = BUF_INIT(JOURNAL_FILE_MAX);
	int r = file_read(j->file.path, &text);

	*ret_exists = r != -ENOENT && r != -ENOTDIR;
	if (!*ret_exists)
		return 0;
	if (r < 0)
		return load_refuse(j, r, strerror(-r));
	r = load_read_lines(j, &text);
	if (r == -ENOMEM)
		return load_refuse(j, r, "out of memory");
	return r < 0 ? load_refuse(j, r, "it was written by a newer version of vastfs") : 0;
}

/* -- the previous version's file --------------------------------------------------------------------------------- */

static int load_take_over(struct journal *j, const cJSON *tree)
{
	uint64_t last[JOB_KIND_MAX];
	const cJSON *item;
	int r = 0;

	journal_parse_numbers(tree, last);
	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		if (last[kind] > j->written[kind])
			j->written[kind] = last[kind];
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(tree, "entries"))
		if (r == 0 && (uint64_t)journal_parse_number(item, "number") > j->last[JOB_OPERATION])
			r = load_read_entry(j, item);
	return r;
}

/*
 * 1 if there is a file of the previous version to import and rename after the new file is written, else 0, or -ENOMEM.
 */
static int load_read_previous(struct journal *j, const char *path)
{
	_buf_ struct buf text = BUF_INIT(JOURNAL_FILE_MAX);
	cJSON *tree = NULL;
	int r = file_read(path, &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = json_parse(buf_str(&text), text.len, &tree, NULL);
	if (cJSON_IsObject(tree))
		r = load_take_over(j, tree);
	else if (r != -ENOMEM)
		j->bad_previous = true;
	cJSON_Delete(tree);
	return r == -ENOMEM ? r : 1;
}

static void load_retire_previous(const char *path)
{
	_free_ char *old = NULL;

	if (asprintf(&old, "%s.old", path) < 0)
		old = NULL;
	else if (rename(path, old) < 0)
		log_warning("cannot rename %s: %s", path, strerror(errno));
}

/* -- loading --------------------------------------------------------------------------------------------------- */

static void load_note_damage(const struct journal *j, const char *previous, struct error *note)
{
	if (j->bad_lines)
		error_set(note, -EBADMSG, "%zu line%s of the journal of operations %s cannot be read", j->bad_lines,
			  j->bad_lines == 1 ? "" : "s", j->file.path);
	else if (j->bad_previous)
		error_set(note, -EBADMSG, "the journal of operations of the previous version, %s, cannot be read",
			  previous);
	else
		return;
	error_remedy(note, "check status and stack/ for operations that are not listed; the old file is preserved next "
			   "to the journal");
}

/* Rewrites the file if needed. If that fails on a full disk, the existing file stays readable. */
static int load_settle_file(struct journal *j, bool exists)
{
	bool good = exists && !j->bad_lines;
	int r = 0;

	if (!good || j->lines > j->n + LINES_BESIDE_ENTRIES)
		r = journal_write_all(j, true);
	if (good && j->file.fd < 0)
		r = journal_file_open(&j->file);
	return r;
}

void journal_load(struct journal *j, const char *previous, struct error *note)
{
	bool exists;
	int has_previous = 0, r = load_read_file(j, &exists);

	if (r == 0)
		has_previous = load_read_previous(j, previous);
	if (has_previous < 0)
		r = load_refuse(j, has_previous, "out of memory");
	if (r < 0) {
		*note = j->refusal;
		return;
	}
	if (has_previous)
		j->lines = SIZE_MAX; /* more than needed, so that the file is rewritten */
	load_settle_numbers(j);
	load_note_damage(j, previous, note);
	r = load_settle_file(j, exists);
	if (r < 0)
		journal_report(j, r, note);
	else if (has_previous)
		load_retire_previous(previous);
}
