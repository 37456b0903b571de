/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * accept.c - makes operations: from a request, or from the journal at mount.
 */
#include "model/work.h"
#include "stack/operation.h"

#include "base/clock.h"
#include "base/json.h"

#include <openssl/rand.h>
#include <string.h>

void work_free(struct work *work)
{
	aws_cancel_token_free(work->cancel);
	aws_cancel_token_free(work->stop);
	job_unref(work->job);
	settings_unref(work->settings);
	aws_unref(work->aws);
	free(work);
}

/* -- accepting -------------------------------------------------------------------------------------------------- */

/* A token that is not random could be equal to the token of another operation. */
static int accept_make_token(char out[static 64])
{
	unsigned char bytes[16];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Allocates everything that the operation needs, because it can still be refused now. NULL: out of memory. */
static struct work *accept_allocate(void)
{
	_cleanup_(work_free_cleanup) struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->cancel = aws_cancel_token_new();
	work->stop = aws_cancel_token_new();
	return work->cancel && work->stop ? move_ptr(work) : NULL;
}

/* Makes the work with the settings in force. NULL: out of memory, or no randomness. */
static struct work *accept_work_new(struct model *m, const struct verb *verb, const char *argument)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	_cleanup_(work_free_cleanup) struct work *work = accept_allocate();

	if (!work || accept_make_token(work->entry.token) < 0)
		return NULL;
	work->verb = verb;
	work->settings = settings_ref(s->settings);
	work->aws = model_aws(m);
	work->entry.created_ms = clock_wall_ms();
	snprintf(work->entry.name, sizeof(work->entry.name), "%s", verb->name);
	snprintf(work->entry.argument, sizeof(work->entry.argument), "%s", argument);
	identity_here(s, work->aws, &work->entry.place);
	if (work->aws)
		aws_credentials_hash(work->aws, work->entry.credentials);
	return move_ptr(work);
}

static int accept_work(struct model *m, struct work *work, struct error *err)
{
	_buf_ struct buf settings = BUF_INIT(2 * SETTINGS_MAX);
	int r = settings_print(work->settings, &settings);

	if (r < 0)
		return r;
	work->entry.number = model_take_number(m, JOB_OPERATION);
	return journal_add(m->journal, &work->entry, buf_str(&settings), err);
}

/* Sets err to the reason why there is no client for these settings. */
static int accept_explain_no_client(struct model *m, const struct settings *settings, struct error *err)
{
	int r = model_client_error(m, err);

	if (r == 0)
		r = settings_check_complete(settings, err);
	return r < 0 ? r : error_set(err, -EINVAL, "the settings name no region");
}

int operation_accept(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		     struct job **ret, struct error *err)
{
	_cleanup_(work_free_cleanup) struct work *work = accept_work_new(m, verb, argument);
	int r;

	if (!work)
		return -ENOMEM;
	if (!work->aws)
		return accept_explain_no_client(m, work->settings, err);
	r = accept_work(m, work, err);
	if (r < 0)
		return r;
	work->job = model_job_new(m, JOB_OPERATION, work->entry.number, verb->name, argument, NULL, who);
	if (!work->job) {
		work->entry.state = JOB_FAILED;
		journal_update(m->journal, &work->entry);
		return -ENOMEM;
	}
	*ret = job_ref(work->job);
	runner_enqueue(m->runner, move_ptr(work));
	return 0;
}

/* -- resuming --------------------------------------------------------------------------------------------------- */

static const struct verb *accept_find_verb(const char *name)
{
	for (size_t i = 0; i < model_verbs_n; i++)
		if (strcmp(model_verbs[i].name, name) == 0 && model_verbs[i].run)
			return &model_verbs[i];
	return NULL;
}

/* Converts a journal entry of version 0.1 to the current form. */
static void accept_complete_entry(struct model *m, struct work *work)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	_buf_ struct buf settings = BUF_INIT(2 * SETTINGS_MAX);

	identity_here(s, work->aws, &work->entry.place);
	work->entry.place.account[0] = '\0'; /* AWS has not reported the account yet */
	work->entry.settings_hash[0] = '\0';
	journal_update(m->journal, &work->entry);
	if (settings_print(work->settings, &settings) == 0)
		journal_remember(m->journal, work->entry.number, JOURNAL_SETTINGS, buf_str(&settings));
}

static void accept_lack_memory(struct model *m, struct job *j)
{
	struct error err = {0};

	error_set(&err, -ENOMEM, "not resumed: out of memory");
	error_remedy(&err, "free memory, then mount again, which resumes it");
	model_job_unknown(m, j, &err);
}

static void accept_resume_now(struct model *m, const struct journal_entry *e, struct settings *settings, struct job *j)
{
	struct work *work = accept_allocate();

	if (!work) {
		accept_lack_memory(m, j);
		return;
	}
	work->verb = accept_find_verb(e->name);
	work->job = job_ref(j);
	work->settings = settings_ref(settings);
	work->aws = model_aws(m);
	work->entry = *e;
	work->resumed = true;
	if (*e->settings_hash)
		accept_complete_entry(m, work);
	job_log(j, "resumed after vastfs had ended");
	runner_enqueue(m->runner, work);
}

static enum resume accept_decide_resume(struct model *m, const struct journal_entry *e, const cJSON *memory,
					struct settings **ret_settings, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct aws *aws = model_aws(m);
	struct resume_facts facts = {
		.verb_known = accept_find_verb(e->name), .in_force = s->settings, .read_only = m->read_only};
	struct error no_client = {0};
	char credentials[AWS_CREDENTIALS_HASH_SIZE] = "";
	enum resume decision;

	identity_here(s, aws, &facts.here);
	if (aws)
		aws_credentials_hash(aws, credentials);
	else if (s->settings)
		accept_explain_no_client(m, s->settings, &no_client);
	facts.no_client = error_is(&no_client) ? &no_client : NULL;
	facts.credentials = credentials;
	facts.accepted = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memory, JOURNAL_SETTINGS));
	decision = resume_decide(e, &facts, ret_settings, err);
	aws_unref(aws);
	return decision;
}

static void accept_resume_entry(struct model *m, struct journal_entry *e, struct job *j)
{
	_cleanup_(settings_unref_cleanup) struct settings *settings = NULL;
	_json_ cJSON *memory = NULL;
	struct error err = {0};

	if (journal_memory(m->journal, e->number, &memory) < 0) {
		accept_lack_memory(m, j);
		return;
	}
	switch (accept_decide_resume(m, e, memory, &settings, &err)) {
	case RESUME_NOW:
		accept_resume_now(m, e, settings, j);
		break;
	case RESUME_ELSEWHERE:
		error_prefix(&err, "not resumed");
		model_job_unknown(m, j, &err);
		break;
	case RESUME_NEVER:
		model_job_fail(m, j, &err);
		e->state = JOB_FAILED;
		snprintf(e->message, sizeof(e->message), "%s", err.message);
		journal_update(m->journal, e);
		break;
	}
}

void operations_resume(struct model *m)
{
	struct journal_entry e;

	for (size_t i = 0; journal_get(m->journal, i, &e); i++) {
		_cleanup_(job_unref_cleanup) struct job *j =
			model_job_new(m, JOB_OPERATION, e.number, e.name, e.argument, NULL, (struct requester){0});

		if (!j)
			continue;
		j->created_ms = e.created_ms;
		if (job_state_ended(e.state))
			journal_entry_restore(&e, j);
		else
			accept_resume_entry(m, &e, j);
	}
}
