#include "jobs/journal.h"

#include "base/file.h"
#include "base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define ENTRIES_KEPT 100
#define FILE_MAX     (1 << 20)

struct journal {
	pthread_mutex_t lock;
	char *path;
	uint64_t last[JOB_KIND_MAX];
	struct journal_entry entries[ENTRIES_KEPT]; /* oldest first */
	cJSON *memory[ENTRIES_KEPT];		    /* of the entry at the same index; NULL: nothing */
	size_t n;
};

static const char *const kind_keys[JOB_KIND_MAX] = {"operations", "queries", "execs", "checks"};

/* -- reading --------------------------------------------------------------------------------------------------- */

static void copy_string(const cJSON *o, const char *key, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	snprintf(out, size, "%s", text ? text : "");
}

static int64_t get_number(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 9e15 ? (int64_t)n->valuedouble : 0;
}

static void parse_entry(const cJSON *o, struct journal_entry *e)
{
	*e = (struct journal_entry){.number = (uint64_t)get_number(o, "number"),
				    .exit_code = (int)get_number(o, "exit_code"),
				    .created_ms = get_number(o, "created_ms"),
				    .started_ms = get_number(o, "started_ms"),
				    .ended_ms = get_number(o, "ended_ms")};
	e->state = (enum job_state)get_number(o, "state");
	if (e->state > JOB_CANCELLED)
		e->state = JOB_FAILED;
	copy_string(o, "name", e->name, sizeof(e->name));
	copy_string(o, "argument", e->argument, sizeof(e->argument));
	copy_string(o, "token", e->token, sizeof(e->token));
	copy_string(o, "settings", e->settings, sizeof(e->settings));
	copy_string(o, "result", e->result, sizeof(e->result));
	copy_string(o, "message", e->message, sizeof(e->message));
}

static int parse(struct journal *j, const char *text)
{
	cJSON *tree = cJSON_Parse(text);
	const cJSON *item;

	if (!cJSON_IsObject(tree)) {
		cJSON_Delete(tree);
		return -EBADMSG;
	}
	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		j->last[kind] = (uint64_t)get_number(tree, kind_keys[kind]);
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(tree, "entries")) {
		if (j->n == ENTRIES_KEPT)
			break;
		parse_entry(item, &j->entries[j->n]);
		j->memory[j->n++] = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(item, "memory"), true);
	}
	cJSON_Delete(tree);
	return 0;
}

static void set_aside(const char *path)
{
	_free_ char *bad = NULL;

	if (asprintf(&bad, "%s.bad", path) < 0)
		return;
	log_warning("%s cannot be understood; it is kept as %s and a new one begun", path, bad);
	if (rename(path, bad) < 0)
		log_warning("cannot rename %s: %s", path, strerror(errno));
}

int journal_open(const char *dir, struct journal **ret, struct error *err)
{
	_buf_ struct buf text = BUF_INIT(FILE_MAX);
	struct journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j || asprintf(&j->path, "%s/journal.json", dir) < 0) {
		free(j);
		return -ENOMEM;
	}
	pthread_mutex_init(&j->lock, NULL);
	r = file_read(j->path, &text);
	if (r < 0 && r != -ENOENT && r != -EFBIG) {
		error_set(err, r, "cannot read %s: %s", j->path, strerror(-r));
		journal_close(j);
		return r;
	}
	if (r != -ENOENT && (r == -EFBIG || parse(j, buf_str(&text)) < 0))
		set_aside(j->path);
	*ret = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n; i++)
		cJSON_Delete(j->memory[i]);
	pthread_mutex_destroy(&j->lock);
	free(j->path);
	free(j);
}

/* -- writing --------------------------------------------------------------------------------------------------- */

static cJSON *entry_json(const struct journal_entry *e)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "number", (double)e->number);
	cJSON_AddStringToObject(o, "name", e->name);
	cJSON_AddStringToObject(o, "argument", e->argument);
	cJSON_AddStringToObject(o, "token", e->token);
	cJSON_AddStringToObject(o, "settings", e->settings);
	cJSON_AddNumberToObject(o, "state", e->state);
	cJSON_AddNumberToObject(o, "exit_code", e->exit_code);
	cJSON_AddNumberToObject(o, "created_ms", (double)e->created_ms);
	cJSON_AddNumberToObject(o, "started_ms", (double)e->started_ms);
	cJSON_AddNumberToObject(o, "ended_ms", (double)e->ended_ms);
	cJSON_AddStringToObject(o, "result", e->result);
	cJSON_AddStringToObject(o, "message", e->message);
	return o;
}

static char *print(const struct journal *j)
{
	cJSON *tree = cJSON_CreateObject();
	cJSON *entries = cJSON_AddArrayToObject(tree, "entries");
	char *text;

	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		cJSON_AddNumberToObject(tree, kind_keys[kind], (double)j->last[kind]);
	for (size_t i = 0; i < j->n; i++) {
		cJSON *o = entry_json(&j->entries[i]);

		if (j->memory[i])
			cJSON_AddItemToObject(o, "memory", cJSON_Duplicate(j->memory[i], true));
		cJSON_AddItemToArray(entries, o);
	}
	text = cJSON_Print(tree);
	cJSON_Delete(tree);
	return text;
}

static int write_locked(const struct journal *j)
{
	_free_ char *text = print(j);

	return text ? file_write_atomically(j->path, text, strlen(text)) : -ENOMEM;
}

int journal_flush(struct journal *j)
{
	int r;

	pthread_mutex_lock(&j->lock);
	r = write_locked(j);
	pthread_mutex_unlock(&j->lock);
	return r;
}

/* j->n: there is none. */
static size_t find_slot(const struct journal *j, uint64_t number)
{
	size_t i = 0;

	while (i < j->n && j->entries[i].number != number)
		i++;
	return i;
}

static void drop_oldest(struct journal *j)
{
	cJSON_Delete(j->memory[0]);
	j->n--;
	memmove(&j->entries[0], &j->entries[1], j->n * sizeof(j->entries[0]));
	memmove(&j->memory[0], &j->memory[1], j->n * sizeof(j->memory[0]));
}

static size_t slot_for(struct journal *j, uint64_t number)
{
	size_t i = find_slot(j, number);

	if (i < j->n)
		return i;
	if (j->n == ENTRIES_KEPT)
		drop_oldest(j);
	j->memory[j->n] = NULL;
	return j->n++;
}

int journal_put(struct journal *j, const struct journal_entry *entry)
{
	size_t i;
	int r;

	pthread_mutex_lock(&j->lock);
	i = slot_for(j, entry->number);
	j->entries[i] = *entry;
	if (job_state_ended(entry->state)) {
		cJSON_Delete(j->memory[i]);
		j->memory[i] = NULL;
	}
	r = write_locked(j);
	pthread_mutex_unlock(&j->lock);
	if (r < 0)
		log_warning("cannot write %s: %s", j->path, strerror(-r));
	return r;
}

/* Under the lock. */
static int set_memory(struct journal *j, size_t i, const char *key, const char *value)
{
	cJSON *text = cJSON_CreateString(value);

	if (!j->memory[i])
		j->memory[i] = cJSON_CreateObject();
	if (!text || !j->memory[i]) {
		cJSON_Delete(text);
		return -ENOMEM;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(j->memory[i], key);
	return cJSON_AddItemToObject(j->memory[i], key, text) ? 0 : -ENOMEM;
}

int journal_remember(struct journal *j, uint64_t number, const char *key, const char *value)
{
	size_t i;
	int r = -ENOENT;

	pthread_mutex_lock(&j->lock);
	i = find_slot(j, number);
	if (i < j->n)
		r = set_memory(j, i, key, value);
	if (r == 0)
		r = write_locked(j);
	pthread_mutex_unlock(&j->lock);
	return r;
}

cJSON *journal_memory(struct journal *j, uint64_t number)
{
	cJSON *memory = NULL;
	size_t i;

	pthread_mutex_lock(&j->lock);
	i = find_slot(j, number);
	if (i < j->n && j->memory[i])
		memory = cJSON_Duplicate(j->memory[i], true);
	pthread_mutex_unlock(&j->lock);
	return memory;
}

/* -- looking --------------------------------------------------------------------------------------------------- */

uint64_t journal_last_number(struct journal *j, enum job_kind kind)
{
	uint64_t last;

	pthread_mutex_lock(&j->lock);
	last = j->last[kind];
	pthread_mutex_unlock(&j->lock);
	return last;
}

void journal_set_last_number(struct journal *j, enum job_kind kind, uint64_t number)
{
	pthread_mutex_lock(&j->lock);
	if (number > j->last[kind])
		j->last[kind] = number;
	pthread_mutex_unlock(&j->lock);
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

/* -- restoring ------------------------------------------------------------------------------------------------- */

static void edit_restore(struct job_view *v, void *arg)
{
	const struct journal_entry *e = arg;
	_buf_ struct buf result = BUF_INIT(sizeof(e->result));

	v->state = e->state;
	v->ran = e->state == JOB_SUCCEEDED;
	v->exit_code = e->exit_code;
	v->started_ms = e->started_ms;
	v->ended_ms = e->ended_ms;
	if (e->state != JOB_SUCCEEDED)
		error_set(&v->error, -EIO, "%s", e->message);
	if (*e->result && buf_puts(&result, e->result) == 0)
		v->result = blob_from_buf(&result);
}

void journal_entry_restore(const struct journal_entry *e, struct job *j)
{
	j->created_ms = e->created_ms;
	job_edit(j, edit_restore, (void *)e);
}
