/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/batch.h"

#include "base/crc32.h"
#include "base/json.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define NUMBER_MAX 9000000000000000 /* below 2^53: JSON's numbers are exact up to there */

static const char magic[8] = "VASTFSB1";

struct footer {
	char magic[8];
	uint64_t data_len;
	uint32_t facts_len, data_crc, facts_crc, footer_crc;
} __attribute__((packed));

_Static_assert(sizeof(struct footer) == BATCH_FOOTER_SIZE, "the footer is part of the format");

/* -- facts ----------------------------------------------------------------------------------------------------- */

static void batch_put_place(int *r, cJSON *o, const struct place *p)
{
	json_add_text(r, o, "account", p->account);
	json_add_text(r, o, "region", p->region);
	json_add_text(r, o, "endpoint", p->endpoint);
	json_add_text(r, o, "stack", p->stack);
	json_add_text(r, o, "profile", p->profile);
}

/* NULL without memory. */
static char *batch_print(const struct batch_facts *f)
{
	int r = 0;
	_json_ cJSON *o = json_object(&r);
	cJSON *place = json_object(&r);

	json_add_number(&r, o, "import", (double)f->import);
	json_add_number(&r, o, "index", f->index);
	json_add_text(&r, o, "format", f->format);
	json_add_number(&r, o, "events", (double)f->events);
	json_add_number(&r, o, "bytes", (double)f->bytes);
	json_add_number(&r, o, "inflated", (double)f->inflated);
	json_add_number(&r, o, "events_before", (double)f->events_before);
	json_add_number(&r, o, "bytes_before", (double)f->bytes_before);
	json_add_number(&r, o, "created_ms", (double)f->created_ms);
	json_add_number(&r, o, "pid", f->pid);
	json_add_number(&r, o, "uid", f->uid);
	if (f->is_last_line)
		json_add_true(&r, o, "last_line");
	if (f->goes_alone)
		json_add_true(&r, o, "goes_alone");
	if (f->ordered)
		json_add_true(&r, o, "ordered");
	batch_put_place(&r, place, &f->place);
	json_add(&r, o, "place", place);
	if (*f->why)
		json_add_text(&r, o, "why", f->why);
	return json_print(&r, o);
}

/* 0: not a number, negative, or more than the member may hold. */
static uint64_t batch_get_number_up_to(const cJSON *o, const char *key, uint64_t most)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble <= (double)most ? (uint64_t)n->valuedouble
											  : 0;
}

static uint64_t batch_get_number(const cJSON *o, const char *key)
{
	return batch_get_number_up_to(o, key, NUMBER_MAX);
}

static void batch_get_text(const cJSON *o, const char *key, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	snprintf(out, size, "%s", text ? text : "");
}

static void batch_get_place(const cJSON *o, struct place *p)
{
	batch_get_text(o, "account", p->account, sizeof(p->account));
	batch_get_text(o, "region", p->region, sizeof(p->region));
	batch_get_text(o, "endpoint", p->endpoint, sizeof(p->endpoint));
	batch_get_text(o, "stack", p->stack, sizeof(p->stack));
	batch_get_text(o, "profile", p->profile, sizeof(p->profile));
}

static int batch_parse(const char *text, size_t len, struct batch_facts *f)
{
	cJSON *o;
	int r = json_parse(text, len, &o, NULL);

	*f = (struct batch_facts){.import = batch_get_number(o, "import"),
				  .index = (uint32_t)batch_get_number_up_to(o, "index", UINT32_MAX),
				  .events = batch_get_number(o, "events"),
				  .bytes = batch_get_number(o, "bytes"),
				  .inflated = batch_get_number(o, "inflated"),
				  .events_before = batch_get_number(o, "events_before"),
				  .bytes_before = batch_get_number(o, "bytes_before"),
				  .created_ms = (int64_t)batch_get_number(o, "created_ms"),
				  .pid = (int32_t)batch_get_number_up_to(o, "pid", INT32_MAX),
				  .uid = (uint32_t)batch_get_number_up_to(o, "uid", UINT32_MAX),
				  .is_last_line = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "last_line")),
				  .goes_alone = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "goes_alone")),
				  .ordered = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "ordered"))};
	batch_get_text(o, "format", f->format, sizeof(f->format));
	batch_get_text(o, "why", f->why, sizeof(f->why));
	batch_get_place(cJSON_GetObjectItemCaseSensitive(o, "place"), &f->place);
	cJSON_Delete(o);
	if (r < 0)
		return r;
	return f->import && f->index && format_name_is_valid(f->format) ? 0 : -EBADMSG;
}

/* -- footer ---------------------------------------------------------------------------------------------------- */

int batch_seal(const struct batch_facts *f, const struct batch_sizes *sizes, struct buf *out)
{
	_free_ char *facts = batch_print(f);
	size_t len = facts ? strlen(facts) : 0;
	struct footer footer = {.data_len = htole64(sizes->data),
				.facts_len = htole32((uint32_t)len),
				.data_crc = htole32(sizes->data_crc)};

	if (!facts)
		return -ENOMEM;
	memcpy(footer.magic, magic, sizeof(magic));
	footer.facts_crc = htole32(crc32_add(0, facts, len));
	footer.footer_crc = htole32(crc32_add(0, &footer, offsetof(struct footer, footer_crc)));
	buf_append(out, facts, len);
	buf_append(out, &footer, sizeof(footer));
	return out->error;
}

/* Returns whether a footer ends at tail[at], with its facts before it and the data before the facts. */
static bool batch_is_footer(const char *tail, size_t at, uint64_t before, struct footer *f)
{
	uint32_t facts_len;

	memcpy(f, tail + at - sizeof(*f), sizeof(*f));
	facts_len = le32toh(f->facts_len);
	if (memcmp(f->magic, magic, sizeof(magic)) != 0 ||
	    le32toh(f->footer_crc) != crc32_add(0, f, offsetof(struct footer, footer_crc)) ||
	    facts_len > at - sizeof(*f) || le64toh(f->data_len) > before + at - sizeof(*f) - facts_len)
		return false;
	return le32toh(f->facts_crc) == crc32_add(0, tail + at - sizeof(*f) - facts_len, facts_len);
}

int batch_read(const char *tail, size_t len, uint64_t file_size, struct batch_facts *ret, struct batch_sizes *ret_sizes)
{
	struct footer f;

	for (size_t at = len; at >= sizeof(f); at--) {
		size_t facts_len;

		if (!batch_is_footer(tail, at, file_size - len, &f))
			continue;
		facts_len = le32toh(f.facts_len);
		*ret_sizes = (struct batch_sizes){le64toh(f.data_len), le32toh(f.data_crc)};
		return batch_parse(tail + at - sizeof(f) - facts_len, facts_len, ret);
	}
	return -EBADMSG;
}
