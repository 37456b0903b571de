/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cut_rows.c - text streams, in which rows end at line ends and some rows are headers.
 */
#include "ingest/cutter.h"

#include <cjson/cJSON.h>
#include <string.h>

/* -- rows ------------------------------------------------------------------------------------------------------ */

/* Adjacent rows in the current piece, which are handed out together. */
struct row_run {
	const char *start;
	size_t len;
	uint64_t events;
};

static bool row_is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static bool row_is_blank(const char *row, size_t len)
{
	while (len && row_is_space(row[len - 1]))
		len--;
	return len == 0;
}

static int row_run_flush(struct cutter *c, struct row_run *run)
{
	int r = run->len ? c->sink->events(run->start, run->len, run->events, c->sink->arg) : 0;

	*run = (struct row_run){0};
	return r;
}

static int rows_set_header(struct cutter *c, const char *data, size_t len)
{
	int r;

	if (c->header.len == len && memcmp(c->header.data, data, len) == 0)
		return 0;
	buf_clear(&c->header);
	r = buf_append(&c->header, data, len);
	return r < 0 ? r : c->sink->header(data, len, c->sink->arg);
}

static bool row_begins_with(const char *row, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(row, prefix, strlen(prefix)) == 0;
}

/* Returns the length of the key of a # line, such as "#fields". */
static size_t rows_zeek_key_len(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && !row_is_space(line[n]))
		n++;
	return n;
}

static bool rows_has_zeek_key(const struct buf *block, const char *line, size_t key_len)
{
	const char *at = buf_str(block), *feed;

	for (; (feed = strchr(at, '\n')); at = feed + 1)
		if (rows_zeek_key_len(at, (size_t)(feed - at)) == key_len && memcmp(at, line, key_len) == 0)
			return true;
	return false;
}

/*
 * Turns the # lines that have arrived into the header. Returns -E2BIG as rows_take_header() does. A block that starts
 * with #separator is a complete header. Any other block replaces only the lines of the current header that have the
 * same keys.
 */
int cutter_settle_header(struct cutter *c)
{
	_buf_ struct buf merged = BUF_INIT(CUTTER_HEADER_MAX);
	const char *at = buf_str(&c->header), *feed;
	int r;

	if (!c->block.len)
		return 0;
	for (; !row_begins_with(c->block.data, c->block.len, "#separator") && (feed = strchr(at, '\n')); at = feed + 1)
		if (!rows_has_zeek_key(&c->block, at, rows_zeek_key_len(at, (size_t)(feed - at))))
			buf_append(&merged, at, (size_t)(feed - at) + 1);
	buf_append(&merged, c->block.data, c->block.len);
	buf_clear(&c->block);
	r = merged.error ? merged.error : rows_set_header(c, buf_str(&merged), merged.len);
	return r == -EFBIG ? -E2BIG : r;
}

/* Returns -E2BIG for a header that is too long. Without it, the rows that follow cannot be understood. */
static int rows_take_header(struct cutter *c, const char *row, size_t len)
{
	int r = c->kind == &cutter_zeek ? buf_append(&c->block, row, len) : rows_set_header(c, row, len);

	return r == -EFBIG ? -E2BIG : r;
}

/* Takes a row that is not a header. A header that has arrived before the row is handed out first. */
static int rows_take_event(struct cutter *c, const char *row, size_t len, bool is_event, struct row_run *run)
{
	if (c->block.len) {
		int r = row_run_flush(c, run);

		if (r == 0)
			r = cutter_settle_header(c);
		if (r < 0)
			return r;
	}
	if (!run->len)
		run->start = row;
	run->len += len;
	run->events += is_event;
	return 0;
}

static int rows_take(struct cutter *c, const char *row, size_t len, struct row_run *run)
{
	enum cutter_row what = c->kind->classify(c, row, len);
	int r;

	if (what != ROW_HEADER)
		return rows_take_event(c, row, len, what == ROW_EVENT, run);
	r = row_run_flush(c, run);
	return r < 0 ? r : rows_take_header(c, row, len);
}

/* Hands on a piece of a row that is too long. The start of the row may be in c->rest. */
static int rows_hand_on(struct cutter *c, const char *data, size_t len)
{
	int r = c->rest.len ? c->sink->oversized(c->rest.data, c->rest.len, c->sink->arg) : 0;

	buf_clear(&c->rest);
	c->is_oversized = true;
	c->in_quotes = false;
	return r < 0 ? r : c->sink->oversized(data, len, c->sink->arg);
}

/* Takes the end of a row that is too long. */
static int rows_end_oversized(struct cutter *c, const char *data, size_t len)
{
	int r = rows_hand_on(c, data, len);

	c->is_oversized = false;
	return r < 0 ? r : c->sink->refused(c->unit_number, cutter_oversized_why, NULL, 0, c->sink->arg);
}

/* Takes a row that started in an earlier piece. */
static int rows_take_rest(struct cutter *c, const char *data, size_t len)
{
	struct row_run run = {0};
	int r = c->rest.len + len > CUTTER_UNIT_MAX ? -EFBIG : buf_append(&c->rest, data, len);

	if (r == -EFBIG)
		return rows_end_oversized(c, data, len);
	if (r == 0)
		r = rows_take(c, c->rest.data, c->rest.len, &run);
	if (r == 0)
		r = row_run_flush(c, &run);
	buf_clear(&c->rest);
	return r;
}

/* Keeps the start of a row whose end has not arrived. */
static int rows_keep(struct cutter *c, const char *data, size_t len)
{
	if (c->is_oversized || c->rest.len + len > CUTTER_UNIT_MAX)
		return rows_hand_on(c, data, len);
	return buf_append(&c->rest, data, len);
}

static void rows_count_quotes(struct cutter *c, const char *data, size_t len)
{
	const char *end = data + len;

	if (!c->kind->has_quotes || c->is_oversized)
		return;
	for (; (data = memchr(data, '"', (size_t)(end - data))); data++)
		c->in_quotes = !c->in_quotes;
}

/* Ends a row at the end of this line. */
static int rows_end_row(struct cutter *c, const char *row, size_t len, struct row_run *run)
{
	int r = 0;

	if (c->is_oversized)
		r = rows_end_oversized(c, row, len);
	else if (c->rest.len)
		r = rows_take_rest(c, row, len);
	else
		r = rows_take(c, row, len, run);
	if (r == 0)
		c->unit_number = c->number;
	return r;
}

static int rows_feed(struct cutter *c, const char *data, size_t len)
{
	const char *end = data + len, *row = data, *at = data, *feed;
	struct row_run run = {0};
	int r = 0;

	while (r == 0 && at < end && (feed = memchr(at, '\n', (size_t)(end - at)))) {
		rows_count_quotes(c, at, (size_t)(feed + 1 - at));
		c->number++;
		at = feed + 1;
		if (c->in_quotes)
			continue;
		r = rows_end_row(c, row, (size_t)(at - row), &run);
		row = at;
	}
	if (r == 0)
		r = row_run_flush(c, &run);
	if (r == 0 && at < end)
		rows_count_quotes(c, at, (size_t)(end - at));
	return r == 0 && row < end ? rows_keep(c, row, (size_t)(end - row)) : r;
}

int cutter_feed_rows(struct cutter *c, const char *data, size_t len, struct error *err)
{
	int r = rows_feed(c, data, len);

	if (r != -E2BIG)
		return r;
	return error_set(err, -EBADMSG, "the header at line %llu has more than %d KiB",
			 (unsigned long long)c->unit_number, CUTTER_HEADER_MAX >> 10);
}

/* -- classes of rows ------------------------------------------------------------------------------------------- */

static enum cutter_row rows_classify_line(const struct cutter *c _unused_, const char *row, size_t len)
{
	return row_is_blank(row, len) ? ROW_BLANK : ROW_EVENT;
}

/* Returns the length of the first field and of the character that ends it. */
static size_t rows_first_field(const struct cutter *c, const char *row, size_t len)
{
	size_t n = 0;

	while (n < len && row[n] != c->kind->separator && row[n] != '\r' && row[n] != '\n')
		n++;
	return n < len ? n + 1 : n;
}

/*
 * A later row whose first field equals the header's first field is a header too. Such rows appear in concatenated
 * files, and VAST prints one header per schema.
 */
static enum cutter_row rows_classify_separated(const struct cutter *c, const char *row, size_t len)
{
	size_t n;

	if (row_is_blank(row, len))
		return ROW_BLANK;
	if (!c->header.len)
		return ROW_HEADER;
	n = rows_first_field(c, c->header.data, c->header.len);
	return len >= n && memcmp(row, c->header.data, n) == 0 ? ROW_HEADER : ROW_EVENT;
}

static enum cutter_row rows_classify_zeek(const struct cutter *c _unused_, const char *row, size_t len)
{
	if (row_is_blank(row, len) || row_begins_with(row, len, "#close"))
		return ROW_BLANK;
	return *row == '#' ? ROW_HEADER : ROW_EVENT;
}

/* -- last rows ------------------------------------------------------------------------------------------------- */

static bool rows_is_json(const struct cutter *c _unused_, const char *data, size_t len)
{
	const char *end = NULL;
	cJSON *tree = cJSON_ParseWithLengthOpts(data, len, &end, false);
	bool whole = tree && end && row_is_blank(end, (size_t)(data + len - end));

	cJSON_Delete(tree);
	return whole;
}

static size_t rows_count_fields(const struct cutter *c, const char *row, size_t len)
{
	bool quoted = false;
	size_t n = 1;

	for (size_t i = 0; i < len; i++) {
		if (c->kind->has_quotes && row[i] == '"')
			quoted = !quoted;
		n += row[i] == c->kind->separator && !quoted;
	}
	return n;
}

static bool is_full_row(const struct cutter *c, const char *data, size_t len)
{
	return c->header.len && !c->in_quotes &&
	       rows_count_fields(c, data, len) == rows_count_fields(c, c->header.data, c->header.len);
}

/* The #fields line has one field more than the rows: its own name. */
static bool is_full_zeek_row(const struct cutter *c, const char *data, size_t len)
{
	const char *fields = strstr(buf_str(c->block.len ? &c->block : &c->header), "#fields\t");

	return fields && *data != '#' &&
	       rows_count_fields(c, data, len) + 1 == rows_count_fields(c, fields, strcspn(fields, "\n"));
}

const struct cutter_kind cutter_lines = {
	.unit = "line", .is_text = true, .is_joinable = true, .feed = cutter_feed_rows, .classify = rows_classify_line};
const struct cutter_kind cutter_json = {.unit = "line",
					.is_text = true,
					.is_joinable = true,
					.feed = cutter_feed_rows,
					.classify = rows_classify_line,
					.is_complete = rows_is_json};
const struct cutter_kind cutter_csv = {.unit = "line",
				       .is_text = true,
				       .separator = ',',
				       .has_quotes = true,
				       .feed = cutter_feed_rows,
				       .classify = rows_classify_separated,
				       .is_complete = is_full_row};
const struct cutter_kind cutter_tsv = {.unit = "line",
				       .is_text = true,
				       .separator = '\t',
				       .feed = cutter_feed_rows,
				       .classify = rows_classify_separated,
				       .is_complete = is_full_row};
const struct cutter_kind cutter_ssv = {.unit = "line",
				       .is_text = true,
				       .separator = ' ',
				       .has_quotes = true,
				       .feed = cutter_feed_rows,
				       .classify = rows_classify_separated,
				       .is_complete = is_full_row};
const struct cutter_kind cutter_zeek = {.unit = "line",
					.is_text = true,
					.separator = '\t',
					.feed = cutter_feed_rows,
					.classify = rows_classify_zeek,
					.is_complete = is_full_zeek_row};
