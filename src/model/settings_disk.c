/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_disk.c - config/default.env on disk. The file belongs to the user, and editors, dotfile managers and git may
 * change it at any time.
 *
 * inotify reports a change in the directory of the file or in the directory of a symbolic link's target. Where inotify
 * reports nothing (NFS), a write or an operation finds the change, because it first compares the attributes of the
 * file. save_lock guards all state. It is held during writes to the disk, so a thread that must not wait only tries to
 * take it.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/replace.h"
#include "model/internal.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define SETTLE_MS 100 /* editors and git replace a file in several steps */
#define WATCHED	  (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE)

struct settings_disk {
	struct model *model;
	char *path;   /* config_dir/default.env */
	char *record; /* the record of a rewrite in place, in the state directory; see base/replace.h */
	bool there;
	bool unreadable; /* the content is unknown, so nothing may replace the file */
	struct stat seen;
	struct engine_socket events; /* inotify; fd -1: not available */
	struct engine_timer settled;
};

/* -- reading --------------------------------------------------------------------------------------------------- */

static bool settings_disk_has_changed(const struct settings_disk *d)
{
	struct stat now;

	if (stat(d->path, &now) < 0)
		return d->there;
	return !d->there || now.st_dev != d->seen.st_dev || now.st_ino != d->seen.st_ino ||
	       now.st_size != d->seen.st_size || now.st_mtim.tv_sec != d->seen.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != d->seen.st_mtim.tv_nsec || now.st_ctim.tv_sec != d->seen.st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != d->seen.st_ctim.tv_nsec;
}

static void settings_disk_note(struct settings_disk *d)
{
	d->there = stat(d->path, &d->seen) == 0;
}

static int settings_disk_cannot_read(struct settings_disk *d, int r, struct error *err)
{
	d->unreadable = true;
	error_set(err, r, "cannot read %s: %s", d->path, file_explain(r));
	error_remedy(err, "make %s a regular file, or remove it and write config/default.env", d->path);
	return r;
}

const char *model_mount_settings(const struct model *m)
{
	return m->mount_settings;
}

int settings_disk_parse(const struct model *m, const char *text, size_t len, struct settings **ret, struct error *err)
{
	_buf_ struct buf all = BUF_INIT(SETTINGS_MAX + strlen(m->mount_settings) + 1);
	int r = settings_parse(text, len, ret, err);

	if (r < 0 || !*m->mount_settings)
		return r;
	settings_unref(move_ptr(*ret));
	r = buf_append(&all, text, len);
	if (r == 0)
		r = buf_printf(&all, "\n%s", m->mount_settings);
	return r < 0 ? r : settings_parse(buf_str(&all), all.len, ret, err);
}

/* The file may be valid, so it is not shown as faulty. */
static int settings_disk_lack_memory(struct error *err)
{
	error_set(err, -ENOMEM, "out of memory: config/default.env was not read");
	error_remedy(err, "free memory, then write config/default.env again");
	return -ENOMEM;
}

/* Shows the text byte for byte. The previous settings stay in force. */
static int settings_disk_show_fault(struct settings_disk *d, struct blob *text, int r, struct error *err)
{
	_buf_ struct buf words = BUF_INIT(sizeof(err->message));
	_cleanup_(blob_unref_cleanup) struct blob *fault = NULL;

	if (buf_puts(&words, err->message) == 0)
		fault = blob_from_buf(&words);
	settings_show_fault(d->model, text, fault);
	error_prefix(err, "%s is not in force", d->path);
	error_remedy(err, "repair config/default.env");
	return r;
}

/* If the file was removed, the settings stay in force. A save makes the file again. */
static int settings_disk_read(struct settings_disk *d, struct error *err)
{
	_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);
	_cleanup_(blob_unref_cleanup) struct blob *blob = NULL;
	_cleanup_(settings_unref_cleanup) struct settings *settings = NULL;
	bool was_there = d->there;
	int r;

	settings_disk_note(d);
	d->unreadable = false;
	r = file_read(d->path, &text);
	if (r == -ENOENT && (was_there || !*d->model->mount_settings))
		return 0;
	if (r == -ENOMEM)
		return settings_disk_lack_memory(err);
	if (r < 0 && r != -ENOENT)
		return settings_disk_cannot_read(d, r, err);
	r = settings_disk_parse(d->model, buf_str(&text), text.len, &settings, err);
	blob = blob_from_buf(&text);
	if (!blob || r == -ENOMEM)
		return settings_disk_lack_memory(err);
	if (r < 0)
		return settings_disk_show_fault(d, blob, r, err);
	if (settings_file_add_region(settings) < 0)
		return settings_disk_lack_memory(err);
	settings_apply(d->model, settings, blob);
	return 0;
}

/* The caller holds the lock. */
static void settings_disk_read_again(struct settings_disk *d)
{
	struct error err = {0};

	if (settings_disk_read(d, &err) < 0) {
		failures_add(d->model->failures, &(struct failure_site){.path = "config/default.env"}, &err);
		return;
	}
	model_event(d->model, "settings read again, because %s has changed", d->path);
	deployed_refresh(d->model);
	watch_now(d->model, NULL, NULL);
}

void model_settings_refresh(struct model *m)
{
	struct settings_disk *d = m->disk;

	if (!d || pthread_mutex_trylock(&m->save_lock) != 0)
		return; /* the thread that holds the lock checks the file itself */
	if (settings_disk_has_changed(d))
		settings_disk_read_again(d);
	pthread_mutex_unlock(&m->save_lock);
}

/* -- writing --------------------------------------------------------------------------------------------------- */

static int settings_disk_check(struct settings_disk *d, struct error *err)
{
	if (settings_disk_has_changed(d)) {
		settings_disk_read_again(d);
		error_set(err, -EBUSY, "another program changed %s at the same time; nothing was saved", d->path);
		error_remedy(err, "read config/default.env again, then write it");
		return -EBUSY;
	}
	if (!d->unreadable)
		return 0;
	error_set(err, -EIO, "cannot read %s, and vastfs does not replace a file with unknown content", d->path);
	error_remedy(err, "make %s readable, or remove it", d->path);
	return -EIO;
}

int settings_disk_write(struct model *m, const struct blob *text, struct error *err)
{
	struct settings_disk *d = m->disk;
	int r = settings_disk_check(d, err);

	if (r < 0)
		return r;
	r = replace_file(d->path, text->data, text->len, d->record);
	settings_disk_note(d);
	if (r < 0) {
		error_set(err, r, "cannot save the settings in %s: %s", d->path, strerror(-r));
		error_remedy(err, "make room in the directory or make it writable, then write config/default.env "
				  "again; the settings in force are unchanged");
	}
	return r;
}

/* -- watching -------------------------------------------------------------------------------------------------- */

static void settings_disk_settled(void *arg)
{
	const struct settings_disk *d = arg;

	model_settings_refresh(d->model);
}

/* The events are not parsed, because each of them may concern the file. */
static void settings_disk_event(void *arg)
{
	struct settings_disk *d = arg;
	char events[4096];

	while (read(d->events.fd, events, sizeof(events)) > 0)
		;
	engine_timer_set(d->model->engine, &d->settled, SETTLE_MS, settings_disk_settled, d);
}

static void settings_disk_watch_directory_of(const struct settings_disk *d, const char *path)
{
	_free_ char *copy = path ? strdup(path) : NULL;

	if (copy && inotify_add_watch(d->events.fd, dirname(copy), WATCHED | IN_ONLYDIR) < 0)
		log_info("cannot watch the directory of %s: %s", path, strerror(errno));
}

/* Engine thread. */
static void settings_disk_watch(void *arg)
{
	struct settings_disk *d = arg;
	_free_ char *target = realpath(d->path, NULL);

	settings_disk_watch_directory_of(d, d->path);
	if (target)
		settings_disk_watch_directory_of(d, target);
	d->events.events = POLLIN;
	d->events.ready = settings_disk_event;
	d->events.arg = d;
	engine_watch(d->model->engine, &d->events);
	model_settings_refresh(d->model); /* finds changes that were made before the watch */
}

int settings_disk_open(struct model *m, const char *state_dir)
{
	struct settings_disk *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	m->disk = d;
	d->model = m;
	d->events.fd = -1;
	if (asprintf(&d->path, "%s/default.env", m->config_dir) < 0)
		d->path = NULL;
	if (asprintf(&d->record, "%s/default.env.rewritten", state_dir) < 0)
		d->record = NULL;
	return d->path && d->record ? 0 : -ENOMEM;
}

int settings_disk_start(struct model *m, struct error *err)
{
	struct settings_disk *d = m->disk;
	int r;

	pthread_mutex_lock(&m->save_lock);
	if (!m->read_only && replace_recover(d->path, d->record) > 0)
		model_event(m, "vastfs was killed while it was writing %s; the file has been completed", d->path);
	r = settings_disk_read(d, err);
	pthread_mutex_unlock(&m->save_lock);
	d->events.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->events.fd < 0)
		log_info("cannot watch %s; its changes are only noticed before a write or an operation: %s", d->path,
			 strerror(errno));
	else if (engine_post(m->engine, settings_disk_watch, d) < 0)
		log_info("cannot watch %s; its changes are only noticed before a write or an operation", d->path);
	return r;
}

void settings_disk_close(struct model *m)
{
	struct settings_disk *d = move_ptr(m->disk);

	if (!d)
		return;
	if (d->events.fd >= 0)
		close(d->events.fd);
	free(d->path);
	free(d->record);
	free(d);
}
