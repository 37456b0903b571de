/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_top.c - renders the files of the root, of config/ and of control/.
 */
#include "fs/render.h"

#include "base/clock.h"
#include "fs/fs.h"

#include <inttypes.h>
#include <string.h>

/* -- status ---------------------------------------------------------------------------------------------------- */

static const char *render_state_word(const struct snapshot *s)
{
	if (!s->settings)
		return "no-settings";
	if (!s->contact_ms)
		return "unknown";
	if (!s->stack->exists)
		return "not-deployed";
	if (s->stack->foreign)
		return "foreign";
	return snapshot_stack_word(s);
}

static const char *render_setting(const struct snapshot *s, enum setting key)
{
	const char *value = s->settings ? settings_get(s->settings, key) : "";

	return *value ? value : "-";
}

static const char *render_or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static void render_put_tasks(const struct snapshot *s, struct buf *out)
{
	const struct task *server = snapshot_default_task(s);
	unsigned live = 0;

	for (size_t i = 0; i < s->tasks->n; i++)
		live += task_is_live(&s->tasks->tasks[i]);
	if (s->service.ours && s->service.desired > 1)
		buf_printf(out, "server scaled to %u by hand, touch control/restart-task\n", s->service.desired);
	else if (server && snapshot_task_is_outdated(s, server))
		buf_puts(out, "server outdated, touch control/restart-task\n");
	else
		buf_printf(out, "server %s\n", server ? render_or_dash(server->endpoint) : "-");
	buf_printf(out, "tasks %u\n", live);
}

static void render_put_login(const struct snapshot *s, struct buf *out)
{
	struct job *login = snapshot_running_beside(s);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = login ? job_view(login) : NULL;

	if (v && *v->step)
		buf_printf(out, "%s %s\n", login->name, v->step);
}

static void render_put_jobs(const struct snapshot *s, struct buf *out)
{
	struct job *running = snapshot_running_operation(s), *last = running ? running : job_list_last(s->operations);
	unsigned in_flight = 0;

	for (size_t i = 0; i < s->queries->n; i++) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(s->queries->jobs[i]);

		in_flight += !job_state_ended(v->state);
	}
	buf_printf(out, in_flight ? "lambda running %u\n" : "lambda idle\n", in_flight);
	if (last) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(last);

		buf_printf(out, "operation %s %s\n", last->name, job_state_name(v->state));
	} else {
		buf_puts(out, "operation -\n");
	}
	render_put_login(s, out);
}

/* Returns whether the deployed stack was deployed with the settings in force. */
static const char *render_settings_word(const struct snapshot *s)
{
	static const char *const words[] = {
		[MATCH_UNKNOWN] = "-", [MATCH_SAME] = "matches", [MATCH_DIFFERENT] = "differs"};

	return words[s->match];
}

/* The cost is computed from the resources that exist now. Charges that depend on use are added to it by AWS. */
static void render_put_cost(const struct snapshot *s, struct buf *out)
{
	struct cost cost;

	if (!s->stack->exists || !snapshot_cost(s, &cost)) {
		buf_puts(out, "cost -\n");
		return;
	}
	buf_puts(out, "cost ");
	cost_put_rate(&cost, cost.dollars, out);
	buf_puts(out, " plus use\n");
}

/* The size is known while a stack is deployed; the cost line includes its price. */
static void render_put_storage(const struct snapshot *s, struct buf *out)
{
	if (s->storage_bytes < 0)
		buf_puts(out, "storage -\n");
	else
		buf_printf(out, "storage %.3f GB\n", (double)s->storage_bytes / COST_BYTES_OF_GB);
}

/* Appends all lines except the age, which changes although nothing has happened. */
static void render_put_status(const struct snapshot *s, struct buf *out)
{
	buf_printf(out, "state %s\n", render_state_word(s));
	buf_printf(out, "region %s\n", render_setting(s, SETTING_AWS_REGION));
	buf_printf(out, "stage %s\n", render_setting(s, SETTING_STAGE));
	identity_put(s, out);
	render_put_tasks(s, out);
	render_put_jobs(s, out);
	buf_printf(out, "settings %s\n", render_settings_word(s));
	render_put_cost(s, out);
	render_put_storage(s, out);
	if (*s->denied)
		buf_printf(out, "denied %s\n", s->denied);
	if (s->more_tasks)
		buf_printf(out, "incomplete tasks: more than %d exist, the others are not read\n", VIEW_TASKS_MOST);
	if (s->more_resources)
		buf_printf(out, "incomplete resources: more than %d exist, the others are not read\n",
			   VIEW_RESOURCES_MOST);
	if (s->elsewhere)
		buf_printf(out, "elsewhere %s\n", s->elsewhere->data);
}

/* Appends the settings from the command line or from fstab. They take precedence over config/default.env. */
static void render_put_mount_options(const struct fs *fs, struct buf *out)
{
	const char *line = model_mount_settings(fs->model);

	if (!fs->read_only && !*line)
		return;
	buf_printf(out, "mount_options%s", fs->read_only ? " ro" : "");
	while (*line) {
		int len = (int)strcspn(line, "\n");

		buf_printf(out, " %.*s", len, line);
		line += len + (line[len] == '\n');
	}
	buf_puts(out, "\n");
}

int render_status(const struct scope *s, struct buf *out)
{
	render_put_status(s->snapshot, out);
	import_put_totals(s->fs->model, out);
	render_put_mount_options(s->fs, out);
	credentials_put(s->fs->model, true, out);
	buf_printf(out, "calls %u in the last hour\n", model_calls(s->fs->model));
	if (!s->snapshot->contact_ms)
		return buf_puts(out, "age -\n");
	return buf_printf(out, "age %" PRId64 "\n", snapshot_age_ms(s->snapshot) / 1000);
}

static uint64_t render_memo_hash(const struct buf *b)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < b->len; i++)
		hash = (hash ^ (unsigned char)b->data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The lock is needed because the loop thread and the notifier call this function. */
int64_t memo_changed(struct memo *memo, const struct buf *text)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t hash = render_memo_hash(text);
	int64_t changed;

	pthread_mutex_lock(&lock);
	if (hash != memo->hash)
		*memo = (struct memo){.hash = hash, .changed_ms = clock_wall_ms()};
	changed = memo->changed_ms;
	pthread_mutex_unlock(&lock);
	return changed;
}

int64_t changed_status(const struct scope *s)
{
	_buf_ struct buf text = BUF_INIT(16 * 1024);

	render_put_status(s->snapshot, &text);
	import_put_totals(s->fs->model, &text);
	credentials_put(s->fs->model, false, &text);
	return memo_changed(&s->fs->status_memo, &text);
}

/* -- error, config --------------------------------------------------------------------------------------------- */

int render_errors(const struct scope *s, struct buf *out)
{
	return failures_render(model_failures(s->fs->model), out);
}

int64_t changed_errors(const struct scope *s)
{
	return failures_changed(model_failures(s->fs->model));
}

int render_settings(const struct scope *s, struct buf *out)
{
	return buf_append(out, s->snapshot->settings_text->data, s->snapshot->settings_text->len);
}

int64_t changed_settings(const struct scope *s)
{
	return s->snapshot->settings_changed_ms;
}

int render_memory(const struct scope *s, struct buf *out)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = config_get(&s->fs->config, s->key);

	return f ? buf_append(out, buf_str(&f->text), f->text.len) : -ENOENT;
}

int64_t changed_memory(const struct scope *s)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = config_get(&s->fs->config, s->key);

	return f ? f->changed_ms : 0;
}

int64_t changed_mount(const struct scope *s)
{
	return s->fs->mounted_ms;
}

/* -- control --------------------------------------------------------------------------------------------------- */

static void render_put_last_run(const struct scope *s, const char *verb, struct buf *out)
{
	const struct job_list *l = s->snapshot->operations;
	char when[CLOCK_TEXT_SIZE];

	for (size_t i = l->n; i-- > 0;) {
		if (strcmp(l->jobs[i]->name, verb) == 0) {
			_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(l->jobs[i]);

			buf_printf(out, "Last run: operations/%" PRIu64 " %s %s%s%s\n", l->jobs[i]->number,
				   job_state_name(v->state), clock_format(v->changed_ms, when),
				   *v->error->message ? ": " : "", v->error->message);
			return;
		}
	}
	buf_puts(out, "Last run: never\n");
}

int render_control(const struct scope *s, struct buf *out)
{
	const char *name = tree_name(s->row);

	for (size_t i = 0; i < model_verbs_n; i++) {
		const struct verb *v = &model_verbs[i];

		if (strcmp(v->name, name) != 0)
			continue;
		buf_printf(out, "%s\n\ntouch %s/%s/%s\n", v->help, s->fs->mountpoint, model_verb_directory(name), name);
		if (v->argument)
			buf_printf(out, "echo %s > %s/control/%s\n", v->argument, s->fs->mountpoint, name);
		if (v->run || v->beside)
			render_put_last_run(s, name, out);
	}
	return out->error;
}

int render_cancel(const struct scope *s, struct buf *out)
{
	_buf_ struct buf path = BUF_INIT(512);

	tree_path(s->row, s->key, &path);
	return buf_printf(
		out, "Cancels the command: touch %s/%s\n%s", s->fs->mountpoint, buf_str(&path),
		s->task ? "In the container, the command gets ^C, then ^\\, and then its terminal is closed.\n"
			: "In Lambda, the command continues until its timeout.\n");
}
