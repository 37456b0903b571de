/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/save.h"

#include "fs/file.h"
#include "fs/notify.h"
#include "fs/refuse.h"

/* The parked request and the model share this struct. The model may outlive the request, which can be interrupted. */
struct save_outcome {
	struct ref ref;
	struct fs *fs;
	struct requester who;
	struct memory_file *taken;
	_Atomic bool done;
	int result;
};

struct waiting_save {
	struct parked parked;
	struct save_outcome *outcome;
};

static void save_outcome_unref(struct save_outcome *o)
{
	if (!ref_put(&o->ref))
		return;
	memory_file_unref(o->taken);
	free(o);
}

/* A renamed file keeps its time: an editor that still has it open would otherwise take its own save for another's. */
static void save_give_time(struct save_outcome *o)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(o->fs->model);

	if (o->taken)
		o->taken->changed_ms = s->settings_changed_ms;
}

static void save_done(int result, const struct error *err, void *arg)
{
	struct save_outcome *o = arg;

	if (result < 0) {
		refuse_record(o->fs, o->who, "config/" CONFIG_SETTINGS, err);
		if (o->taken)
			config_put_back(&o->fs->config, o->taken);
	} else {
		config_show_settings(&o->fs->config, true);
		save_give_time(o);
	}
	o->result = result;
	atomic_store(&o->done, true);
	notify_wake(o->fs->notifier);
	save_outcome_unref(o);
}

static bool save_is_done(struct parked *p)
{
	return atomic_load(&container_of(p, struct waiting_save, parked)->outcome->done);
}

static void save_answer(struct fs *fs _unused_, struct parked *p, int why)
{
	struct waiting_save *w = container_of(p, struct waiting_save, parked);

	fuse_reply_err(p->req, why == 0 ? -w->outcome->result : EINTR);
	save_outcome_unref(w->outcome);
	free(w);
}

int save_settings(struct call *c, struct buf *text, struct memory_file *taken)
{
	_free_ struct waiting_save *w = calloc(1, sizeof(*w));
	struct save_outcome *o = calloc(1, sizeof(*o));
	int r;

	if (!w || !o) {
		free(o);
		return -ENOMEM;
	}
	*o = (struct save_outcome){.fs = c->fs, .who = c->who, .taken = taken};
	ref_init(&o->ref);
	ref_get(&o->ref);
	r = model_settings_save(c->fs->model, text, save_done, o, &c->err);
	if (r < 0) {
		free(o);
		return r;
	}
	config_forget_overwritten(&c->fs->config); /* it was written over the previous text */
	*w = (struct waiting_save){.parked = {.req = c->req, .ready = save_is_done, .answer = save_answer},
				   .outcome = o};
	parked_add(c->fs, &move_ptr(w)->parked);
	return FILE_ANSWERED;
}
