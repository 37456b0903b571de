/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_file.c - reads and saves config/default.env, and puts its settings in force.
 */
#include "base/clock.h"
#include "base/log.h"
#include "model/internal.h"

#include <string.h>

/* -- the settings in force ------------------------------------------------------------------------------------- */

struct settings_in_force {
	struct settings *settings;
	struct blob *text, *fault;
};

static bool settings_differ(const struct settings *old, const struct settings *new, enum setting key)
{
	return !old || strcmp(settings_get(old, key), settings_get(new, key)) != 0;
}

/* Returns whether the settings name another stack. All state in memory belongs to the old stack then. */
static bool settings_names_other_stack(const struct settings *old, const struct settings *new)
{
	static const enum setting keys[] = {SETTING_AWS_REGION, SETTING_STAGE, SETTING_AWS_PROFILE};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (settings_differ(old, new, keys[i]))
			return true;
	return false;
}

static int settings_forget_stack(struct snapshot *s)
{
	struct stack_view *stack = stack_view_parse("", false, NULL, NULL, NULL, NULL);
	struct task_list *tasks = task_list_parse(NULL, NULL, NULL, NULL);

	if (!stack || !tasks) {
		stack_view_unref(stack);
		task_list_unref(tasks);
		return -ENOMEM;
	}
	stack_view_unref(s->stack);
	task_list_unref(s->tasks);
	s->stack = stack;
	s->tasks = tasks;
	s->storage_bytes = -1;
	s->contact_ms = 0;
	s->contact_error = (struct error){0};
	return 0;
}

static void settings_show_text(struct snapshot *s, const struct settings_in_force *f)
{
	blob_unref(s->settings_text);
	s->settings_text = blob_ref(f->text);
	blob_unref(s->settings_fault);
	s->settings_fault = blob_ref(f->fault);
	s->settings_changed_ms = clock_wall_ms();
}

/* Shows the text as it is on disk. The settings in force stay. */
static int settings_edit_text(struct snapshot *s, void *arg)
{
	settings_show_text(s, arg);
	return 0;
}

void settings_show_fault(struct model *m, struct blob *text, struct blob *fault)
{
	if (model_publish(m, settings_edit_text, &(struct settings_in_force){NULL, text, fault}) < 0)
		log_error("out of memory: config/default.env is not shown");
}

/* Data from another region, or that was read with other credentials, is discarded. */
static int settings_forget_discovery(struct snapshot *s, const struct settings *now)
{
	const char *region = settings_get(now, SETTING_AWS_REGION), *profile = settings_get(now, SETTING_AWS_PROFILE);
	struct discovery *unread;

	if (discovery_is_about(s->discovery, region, profile))
		return 0;
	unread = discovery_new(region, profile, DISCOVERY_READING, NULL);
	if (!unread)
		return -ENOMEM;
	discovery_unref(s->discovery);
	s->discovery = unread;
	return 0;
}

static int settings_edit_snapshot(struct snapshot *s, void *arg)
{
	const struct settings_in_force *f = arg;

	if (settings_forget_discovery(s, f->settings) < 0)
		return -ENOMEM;

	if (settings_names_other_stack(s->settings, f->settings) && settings_forget_stack(s) < 0)
		return -ENOMEM;
	if (settings_differ(s->settings, f->settings, SETTING_AWS_PROFILE))
		s->identity = (struct identity){0};
	settings_unref(s->settings);
	s->settings = settings_ref(f->settings);
	settings_show_text(s, f);
	return 0;
}

static struct aws *settings_make_client(struct model *m, const struct settings *settings, struct error *err)
{
	struct aws_config config = identity_config(settings);
	struct aws *a = NULL;

	config.api_log = m->api_log;
	config.calls = m->calls;
	config.keys_changed = identity_keys_changed;
	config.keys_changed_arg = m;
	if (settings_check_region(settings, err) < 0 || (*config.region && aws_new(m->engine, &config, &a, err) < 0))
		failures_add(m->failures, &(struct failure_site){.path = "config/default.env"}, err);
	return a;
}

void settings_apply(struct model *m, struct settings *settings, struct blob *text)
{
	struct error err = {0};
	struct aws *fresh = settings_make_client(m, settings, &err), *old;

	pthread_mutex_lock(&m->lock);
	old = m->aws;
	m->aws = fresh;
	m->client_error = err;
	pthread_mutex_unlock(&m->lock);
	aws_unref(old);
	if (model_publish(m, settings_edit_snapshot, &(struct settings_in_force){settings, text, NULL}) < 0)
		log_error("out of memory: the settings are not in force");
	identity_refresh(m);
	discover_refresh(m, false);
	model_trim_history(m);
}

/* Reads the region from ~/.aws. */
int settings_file_add_region(struct settings *settings)
{
	const char *source;
	_free_ char *region = aws_default_region(settings_get(settings, SETTING_AWS_PROFILE), &source);

	return settings_set_default_region(settings, region, source);
}

/* -- saving ---------------------------------------------------------------------------------------------------- */

/* A separate thread writes the file, because neither the tree nor the network may wait for a slow disk. */
struct settings_save {
	struct model *model;
	struct settings *settings;
	struct blob *text;
	void (*done)(int result, const struct error *err, void *arg);
	void *arg;
};

static void settings_save_free(struct settings_save *s)
{
	settings_unref(s->settings);
	blob_unref(s->text);
	free(s);
}

DEFINE_CLEANUP(struct settings_save *, settings_save_free)

static void settings_end_save(struct model *m)
{
	pthread_mutex_lock(&m->lock);
	m->saving--;
	pthread_cond_broadcast(&m->saved);
	pthread_mutex_unlock(&m->lock);
}

static void *settings_save_thread(void *arg)
{
	struct settings_save *s = arg;
	struct model *m = s->model;
	struct error err = {0};
	int r;

	pthread_mutex_lock(&m->save_lock);
	r = settings_disk_write(m, s->text, &err);
	if (r == 0)
		r = settings_file_add_region(s->settings);
	if (r == 0) {
		settings_apply(m, s->settings, s->text);
		deployed_refresh(m);
		watch_now(m, NULL, NULL);
		model_event(m, "settings saved");
	}
	pthread_mutex_unlock(&m->save_lock);
	s->done(r, &err, s->arg);
	settings_save_free(s);
	settings_end_save(m);
	return NULL;
}

static int settings_start_save(struct settings_save *s, struct error *err)
{
	pthread_attr_t detached;
	pthread_t thread;
	int r;

	pthread_mutex_lock(&s->model->lock);
	s->model->saving++;
	pthread_mutex_unlock(&s->model->lock);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &detached, settings_save_thread, s);
	pthread_attr_destroy(&detached);
	if (r < 0) {
		settings_end_save(s->model);
		return error_set(err, r, "cannot start a thread to save the settings: %s", strerror(-r));
	}
	return 0;
}

int model_settings_save(struct model *m, struct buf *text, void (*done)(int result, const struct error *err, void *arg),
			void *arg, struct error *err)
{
	_cleanup_(settings_save_free_cleanup) struct settings_save *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct settings_save){.model = m, .done = done, .arg = arg};
	r = settings_disk_parse(m, buf_str(text), text->len, &s->settings, err);
	if (r < 0)
		return r;
	s->text = blob_from_buf(text);
	if (!s->text)
		return -ENOMEM;
	r = settings_start_save(s, err);
	if (r == 0)
		s = NULL; /* the thread owns it now */
	return r;
}
