/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/names.h"

#include "fs/config.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/history.h"
#include "fs/links.h"
#include "fs/observation.h"
#include "ingest/format.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/*
 * Returns the number that a name represents, or 0 if the name is no number. A number has no sign and no leading zero.
 */
static uint64_t names_parse_number(const char *name)
{
	uint64_t n = 0;

	if (*name < '1' || *name > '9' || strlen(name) > 18)
		return 0;
	for (; *name >= '0' && *name <= '9'; name++)
		n = n * 10 + (uint64_t)(*name - '0');
	return *name ? 0 : n;
}

static bool names_bind_job(struct scope *s, struct job *j)
{
	if (!j)
		return false;
	s->job = j;
	s->view = s->observation ? observation_view(s->observation, j) : job_view(j);
	return true;
}

static int names_list_jobs(const struct job_list *l, int (*each)(void *arg, const char *name), void *arg)
{
	char name[24];
	int r = 0;

	for (size_t i = 0; i < l->n && r >= 0; i++) {
		snprintf(name, sizeof(name), "%" PRIu64, l->jobs[i]->number);
		r = each(arg, name);
	}
	return r;
}

static int names_list_operations(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return names_list_jobs(s->snapshot->operations, each, arg);
}

static bool names_bind_operation(struct scope *s)
{
	return names_bind_job(s, job_list_find(s->snapshot->operations, names_parse_number(s->key)));
}

/* Lists the entries of a history. task is the task in which the commands ran; "" means Lambda. */
static int names_list_commands(const struct snapshot *s, const struct job_list *l, const char *task,
			       int (*each)(void *arg, const char *name), void *arg)
{
	char name[24];
	int r = 0;

	for (size_t i = 0; i < l->n && r >= 0; i++) {
		if (strcmp(l->jobs[i]->argument, task) != 0 || !history_lists(s, l->jobs[i]))
			continue;
		snprintf(name, sizeof(name), "%" PRIu64, l->jobs[i]->number);
		r = each(arg, name);
	}
	return r;
}

static int names_list_queries(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return names_list_commands(s->snapshot, s->snapshot->queries, "", each, arg);
}

static bool names_bind_query(struct scope *s)
{
	return names_bind_job(s, job_list_find(s->snapshot->queries, names_parse_number(s->key)));
}

/* Copies the first part of a key. */
static void names_first_part(const char *key, char part[static TREE_KEY_MAX])
{
	snprintf(part, TREE_KEY_MAX, "%.*s", (int)strcspn(key, "/"), key);
}

static int names_list_execs(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return names_list_commands(s->snapshot, s->snapshot->execs, s->key, each, arg);
}

static bool names_bind_exec(struct scope *s)
{
	const char *slash = strchr(s->key, '/');
	struct job *j = slash ? job_list_find(s->snapshot->execs, names_parse_number(slash + 1)) : NULL;
	char task[TREE_KEY_MAX];

	names_first_part(s->key, task);
	s->task = task_list_find(s->snapshot->tasks, task);
	return s->task && j && strcmp(j->argument, task) == 0 && names_bind_job(s, j);
}

static int names_list_tasks(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < s->snapshot->tasks->n && r >= 0; i++)
		r = each(arg, s->snapshot->tasks->tasks[i].id);
	return r;
}

static bool names_bind_task(struct scope *s)
{
	s->task = task_list_find(s->snapshot->tasks, s->key);
	return s->task != NULL;
}

static int names_list_pairs(const struct pair *pairs, size_t n, int (*each)(void *arg, const char *name), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = each(arg, pairs[i].key);
	return r;
}

static bool names_bind_pair(struct scope *s, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n && !s->pair; i++)
		if (strcmp(pairs[i].key, s->key) == 0)
			s->pair = &pairs[i];
	return s->pair != NULL;
}

static int names_list_outputs(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return names_list_pairs(s->snapshot->stack->outputs, s->snapshot->stack->outputs_n, each, arg);
}

static bool names_bind_output(struct scope *s)
{
	return names_bind_pair(s, s->snapshot->stack->outputs, s->snapshot->stack->outputs_n);
}

static int names_list_parameters(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return names_list_pairs(s->snapshot->stack->parameters, s->snapshot->stack->parameters_n, each, arg);
}

static bool names_bind_parameter(struct scope *s)
{
	return names_bind_pair(s, s->snapshot->stack->parameters, s->snapshot->stack->parameters_n);
}

static int names_list_resources(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	const struct stack_view *v = s->snapshot->stack;
	int r = 0;

	for (size_t i = 0; i < v->resources_n && r >= 0; i++)
		r = each(arg, v->resources[i].logical_id);
	return r;
}

static bool names_bind_resource(struct scope *s)
{
	s->resource = stack_view_resource(s->snapshot->stack, s->key);
	return s->resource != NULL;
}

static int list_formats(const struct scope *s _unused_, int (*each)(void *arg, const char *name), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < formats_n && r >= 0; i++)
		r = each(arg, formats[i].name);
	return r;
}

static bool bind_format(struct scope *s)
{
	return format_name_is_valid(s->key);
}

static int names_list_imports(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	const struct job_list *l = s->snapshot->imports;
	char name[24];
	int r = 0;

	for (size_t i = 0; i < l->n && r >= 0; i++) {
		if (!history_lists(s->snapshot, l->jobs[i]))
			continue;
		snprintf(name, sizeof(name), "%" PRIu64, l->jobs[i]->number);
		r = each(arg, name);
	}
	return r;
}

static bool names_bind_import(struct scope *s)
{
	return names_bind_job(s, job_list_find(s->snapshot->imports, names_parse_number(s->key)));
}

static int names_list_vpcs(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	const struct discovery *d = s->snapshot->discovery;
	int r = 0;

	for (size_t i = 0; i < d->n && r >= 0; i++)
		r = each(arg, d->vpcs[i].id);
	return r;
}

static bool names_bind_vpc(struct scope *s)
{
	s->vpc = discovery_find(s->snapshot->discovery, s->key);
	return s->vpc != NULL;
}

static int names_list_files(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return config_list(&s->fs->config, each, arg);
}

static bool names_bind_file(struct scope *s)
{
	return config_has(&s->fs->config, s->key);
}

static int names_list_links(const struct scope *s, int (*each)(void *arg, const char *name), void *arg)
{
	return links_list(&s->fs->links, each, arg);
}

static bool names_bind_link(struct scope *s)
{
	return links_target(&s->fs->links, s->key) != NULL;
}

static const struct lister listers[] = {
	{"operation", names_list_operations, names_bind_operation},
	{"query", names_list_queries, names_bind_query},
	{"task", names_list_tasks, names_bind_task},
	{"exec", names_list_execs, names_bind_exec},
	{"output", names_list_outputs, names_bind_output},
	{"parameter", names_list_parameters, names_bind_parameter},
	{"resource", names_list_resources, names_bind_resource},
	{"format", list_formats, bind_format},
	{"import", names_list_imports, names_bind_import},
	{"file", names_list_files, names_bind_file},
	{"vpc", names_list_vpcs, names_bind_vpc},
	{"link", names_list_links, names_bind_link},
};

const struct lister *names_lister(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(listers); i++)
		if (strlen(listers[i].name) == len && memcmp(listers[i].name, name, len) == 0)
			return &listers[i];
	return NULL;
}

/* Returns whether a name of the table exists now, because some of them exist only at times. */
static bool names_exists_now(const struct scope *s)
{
	_buf_ struct buf target = BUF_INIT(FS_TEXT_MAX);

	if (s->row->class == &class_settings)
		return config_has_settings(&s->fs->config);
	if (s->row->type != ROW_LINK)
		return true;
	return s->row->render(s, &target) >= 0 && target.len > 0;
}

int scope_open_at(struct scope *s, struct fs *fs, const struct snapshot *snapshot,
		  const struct observation *observation, const struct row *row, const char *key)
{
	const struct lister *lister = tree_lister(row);

	*s = (struct scope){.fs = fs, .snapshot = snapshot, .observation = observation, .row = row, .key = key};
	if (lister && !lister->bind(s))
		return -ENOENT;
	if (row->flags & ROW_LAST_QUERY || row->class == &class_query)
		names_bind_job(s, s->task ? job_list_last_of(snapshot->execs, s->task->id)
					  : job_list_last(snapshot->queries));
	if (row->flags & ROW_LAST_IMPORT)
		names_bind_job(s, job_list_last(snapshot->imports));
	return names_exists_now(s) ? 0 : -ENOENT;
}

int scope_open(struct scope *s, struct fs *fs, const struct snapshot *snapshot, const struct row *row, const char *key)
{
	return scope_open_at(s, fs, snapshot, NULL, row, key);
}

void scope_close(struct scope *s)
{
	job_view_unref(s->view);
	s->view = NULL;
}

struct listing {
	int (*each)(void *arg, const struct row *row, const char *key, const char *name);
	void *arg;
	const struct scope *dir;
	const struct row *row;
};

static int names_list_one(void *arg, const char *name)
{
	struct listing *l = arg;
	char key[TREE_KEY_MAX];

	if (!*name || strlen(name) > NAME_MAX || strchr(name, '/') ||
	    tree_child_key(l->row, l->dir->key, name, key) < 0)
		return 0;
	return l->each(l->arg, l->row, key, name);
}

static int names_list_child(const struct scope *dir, struct listing *l)
{
	_scope_ struct scope child = {0};

	if (tree_is_dynamic(l->row))
		return tree_lister(l->row)->list(dir, names_list_one, l);
	if (scope_open(&child, dir->fs, dir->snapshot, l->row, dir->key) < 0 || !history_has(&child))
		return 0;
	return l->each(l->arg, l->row, dir->key, tree_name(l->row));
}

int names_list(const struct scope *dir,
	       int (*each)(void *arg, const struct row *row, const char *key, const char *name), void *arg)
{
	struct listing l = {.each = each, .arg = arg, .dir = dir};
	int r = 0;

	while (r >= 0 && (l.row = tree_next_child(dir->row, l.row)))
		r = names_list_child(dir, &l);
	return r;
}

static bool names_it(const struct scope *dir, const struct row *row, const char *key)
{
	_scope_ struct scope s = {0};

	return scope_open(&s, dir->fs, dir->snapshot, row, key) >= 0 && history_has(&s);
}

int names_lookup(const struct scope *dir, const char *name, const struct row **ret_row,
		 char ret_key[static TREE_KEY_MAX])
{
	const struct row *row = tree_child(dir->row, name);

	if (row) {
		*ret_row = row;
		tree_child_key(row, dir->key, name, ret_key);
		return names_it(dir, row, ret_key) ? 0 : -ENOENT;
	}
	for (row = NULL; (row = tree_next_child(dir->row, row));) {
		if (!tree_is_dynamic(row) || tree_child_key(row, dir->key, name, ret_key) < 0 ||
		    !names_it(dir, row, ret_key))
			continue;
		*ret_row = row;
		return 0;
	}
	return -ENOENT;
}
