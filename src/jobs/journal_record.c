/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/journal_record.h"

#include "base/json.h"

#include <limits.h>
#include <string.h>

static const char *const kind_keys[JOB_KIND_MAX] = {"operations", "queries", "execs", "checks", "imports"};

/* -- writing --------------------------------------------------------------------------------------------------- */

/* Takes ownership of the value. r: the result of the functions that built the value. */
static int record_put(int r, const char *kind, cJSON *value, struct buf *out)
{
	_json_ cJSON *o = json_object(&r);
	_free_ char *text = NULL;

	json_add(&r, o, kind, value);
	text = json_print(&r, o);
	return text ? buf_printf(out, "%s\n", text) : r;
}

int journal_record_format(struct buf *out)
{
	return record_put(0, "journal", cJSON_CreateNumber(JOURNAL_FORMAT), out);
}

int journal_record_numbers(const uint64_t last[JOB_KIND_MAX], struct buf *out)
{
	int r = 0;
	cJSON *o = json_object(&r);

	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		json_add_number(&r, o, kind_keys[kind], (double)last[kind]);
	return record_put(r, "numbers", o, out);
}

static void record_add_place(int *r, cJSON *o, const struct place *p)
{
	json_add_text(r, o, "account", p->account);
	json_add_text(r, o, "region", p->region);
	json_add_text(r, o, "endpoint", p->endpoint);
	json_add_text(r, o, "stack", p->stack);
	json_add_text(r, o, "profile", p->profile);
}

int journal_record_entry(const struct journal_entry *e, const cJSON *memory, struct buf *out)
{
	int r = 0;
	cJSON *o = json_object(&r);

	json_add_number(&r, o, "number", (double)e->number);
	json_add_text(&r, o, "name", e->name);
	json_add_text(&r, o, "argument", e->argument);
	json_add_text(&r, o, "token", e->token);
	record_add_place(&r, o, &e->place);
	json_add_text(&r, o, "credentials", e->credentials);
	if (*e->settings_hash)
		json_add_text(&r, o, "settings", e->settings_hash);
	json_add_number(&r, o, "state", e->state);
	json_add_number(&r, o, "exit_code", e->exit_code);
	json_add_number(&r, o, "created_ms", (double)e->created_ms);
	json_add_number(&r, o, "started_ms", (double)e->started_ms);
	json_add_number(&r, o, "ended_ms", (double)e->ended_ms);
	json_add_text(&r, o, "result", e->result);
	json_add_text(&r, o, "message", e->message);
	if (memory)
		json_add(&r, o, "memory", cJSON_Duplicate(memory, true));
	return record_put(r, "entry", o, out);
}

int journal_record_deployed(const struct place *places, size_t n, struct buf *out)
{
	int r = 0;
	cJSON *array = json_array(&r);

	for (size_t i = 0; i < n; i++) {
		cJSON *o = json_object(&r);

		record_add_place(&r, o, &places[i]);
		json_append(&r, array, o);
	}
	return record_put(r, "deployed", array, out);
}

/* -- reading --------------------------------------------------------------------------------------------------- */

static void record_parse_text(const cJSON *o, const char *key, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	snprintf(out, size, "%s", text ? text : "");
}

int64_t journal_parse_number(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 9e15 ? (int64_t)n->valuedouble : 0;
}

void journal_parse_numbers(const cJSON *numbers, uint64_t last[JOB_KIND_MAX])
{
	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		last[kind] = (uint64_t)journal_parse_number(numbers, kind_keys[kind]);
}

/* The number if an int can hold it, else INT_MAX. */
static int record_parse_int(const cJSON *o, const char *key)
{
	int64_t n = journal_parse_number(o, key);

	return n <= INT_MAX ? (int)n : INT_MAX;
}

static void record_parse_place(const cJSON *o, struct place *p)
{
	*p = (struct place){0};
	record_parse_text(o, "account", p->account, sizeof(p->account));
	record_parse_text(o, "region", p->region, sizeof(p->region));
	record_parse_text(o, "endpoint", p->endpoint, sizeof(p->endpoint));
	record_parse_text(o, "stack", p->stack, sizeof(p->stack));
	record_parse_text(o, "profile", p->profile, sizeof(p->profile));
}

void journal_parse_entry(const cJSON *o, struct journal_entry *e)
{
	*e = (struct journal_entry){.number = (uint64_t)journal_parse_number(o, "number"),
				    .exit_code = record_parse_int(o, "exit_code"),
				    .created_ms = journal_parse_number(o, "created_ms"),
				    .started_ms = journal_parse_number(o, "started_ms"),
				    .ended_ms = journal_parse_number(o, "ended_ms")};
	e->state = (enum job_state)record_parse_int(o, "state");
	if (e->state > JOB_CANCELLED)
		e->state = JOB_FAILED;
	record_parse_place(o, &e->place);
	record_parse_text(o, "name", e->name, sizeof(e->name));
	record_parse_text(o, "argument", e->argument, sizeof(e->argument));
	record_parse_text(o, "token", e->token, sizeof(e->token));
	record_parse_text(o, "credentials", e->credentials, sizeof(e->credentials));
	record_parse_text(o, "settings", e->settings_hash, sizeof(e->settings_hash));
	record_parse_text(o, "result", e->result, sizeof(e->result));
	record_parse_text(o, "message", e->message, sizeof(e->message));
}

size_t journal_parse_deployed(const cJSON *array, struct place ret[static JOURNAL_DEPLOYED_MAX])
{
	const cJSON *o;
	size_t n = 0;

	cJSON_ArrayForEach (o, array)
		if (n < JOURNAL_DEPLOYED_MAX)
			record_parse_place(o, &ret[n++]);
	return n;
}
