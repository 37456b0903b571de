/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity.c - determines the place where this mount acts (account, region, endpoint and stack of the settings in
 * force) and the identity that it uses.
 *
 * Only AWS knows the account and the ARN of the credentials, which can change while the settings stay the same. So AWS
 * is asked when settings come into force and for each new set of keys. Keys are fetched only when they are needed.
 */
#include "aws/credentials/profiles.h"
#include "aws/services/sts.h"
#include "model/internal.h"

#include <string.h>

struct aws_config identity_config(const struct settings *settings)
{
	const char *profile = settings_get(settings, SETTING_AWS_PROFILE);

	return (struct aws_config){.region = settings_get(settings, SETTING_AWS_REGION),
				   .profile = *profile ? profile : NULL};
}

void identity_here(const struct snapshot *s, const struct aws *aws, struct place *ret)
{
	*ret = (struct place){0};
	if (!s->settings)
		return;
	snprintf(ret->account, sizeof(ret->account), "%s", s->identity.account);
	snprintf(ret->region, sizeof(ret->region), "%s", settings_get(s->settings, SETTING_AWS_REGION));
	snprintf(ret->profile, sizeof(ret->profile), "%s", settings_get(s->settings, SETTING_AWS_PROFILE));
	settings_stack_name(s->settings, ret->stack);
	if (aws)
		snprintf(ret->endpoint, sizeof(ret->endpoint), "%s", aws_endpoint_override(aws, "cloudformation"));
}

/* -- the identity of the credentials ---------------------------------------------------------------------------- */

struct identified {
	const struct settings *settings; /* only compared, never dereferenced */
	struct identity identity;
};

static int edit_identity(struct snapshot *s, void *arg)
{
	const struct identified *i = arg;

	if (s->settings != i->settings)
		return -ESTALE;
	s->identity = i->identity;
	return 0;
}

void identity_set(struct model *m, const struct settings *settings, const char *account)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct identified i = {.settings = settings};

	snprintf(i.identity.account, sizeof(i.identity.account), "%s", account);
	if (*account && strcmp(s->identity.account, account) != 0)
		model_publish(m, edit_identity, &i);
}

static void identity_set_all(struct model *m, const struct settings *settings, const cJSON *reply)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct identified i = {.settings = settings};

	snprintf(i.identity.account, sizeof(i.identity.account), "%s", aws_text(reply, "Account"));
	snprintf(i.identity.arn, sizeof(i.identity.arn), "%s", aws_text(reply, "Arn"));
	snprintf(i.identity.user_id, sizeof(i.identity.user_id), "%s", aws_text(reply, "UserId"));
	if (*i.identity.account && memcmp(&s->identity, &i.identity, sizeof(i.identity)) != 0)
		model_publish(m, edit_identity, &i);
}

struct identity_question {
	struct model *model;
	struct aws *aws;
	struct settings *settings; /* the client that sent the request */
	uint64_t version;	   /* the version number of the keys at that time; 0: there were none */
};

static void identity_question_free(struct identity_question *q)
{
	settings_unref(q->settings);
	aws_unref(q->aws);
	free(q);
}

static uint64_t identity_version(struct aws *aws)
{
	struct aws_credentials_facts facts;

	return aws_credentials_facts(aws, &facts) ? facts.version : 0;
}

/* A missing identity is no failure. An operation that needs the account asks AWS again and reports its failure. */
static void identity_answered(struct aws_reply *reply, void *arg)
{
	struct identity_question *q = arg;
	bool outdated = q->version && identity_version(q->aws) != q->version;

	if (q->model->identifying == q->aws)
		q->model->identifying = NULL;
	if (!error_is(&reply->error))
		identity_set_all(q->model, q->settings, reply->body);
	deployed_refresh(q->model);
	if (outdated)
		identity_refresh(q->model);
	identity_question_free(q);
}

static void identity_ask(void *arg)
{
	struct identity_question *q = arg;
	struct model *m = q->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct aws_request *request;

	q->aws = model_aws(m);
	request = q->aws && s->settings && m->identifying != q->aws ? sts_get_caller_identity() : NULL;
	if (request) {
		request->quiet = true;
		q->settings = settings_ref(s->settings);
		q->version = identity_version(q->aws);
	}
	if (request && aws_start(q->aws, request, identity_answered, q))
		m->identifying = q->aws;
	else
		identity_question_free(q);
}

void identity_refresh(struct model *m)
{
	struct identity_question *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	q->model = m;
	if (atomic_load(&m->stopping) || engine_post(m->engine, identity_ask, q) < 0)
		free(q);
}

void identity_keys_changed(void *arg)
{
	struct model *m = arg;

	identity_refresh(m);
	discover_retry(m);
	imports_retry(m->imports);
}

void model_credentials(struct model *m, struct model_credentials *ret)
{
	struct aws *aws = model_aws(m);
	struct aws_credentials_facts facts;

	*ret = (struct model_credentials){0};
	if (aws && aws_check_credentials(aws, &ret->error) == 0 && aws_credentials_facts(aws, &facts)) {
		ret->known = true;
		ret->expires_ms = facts.expires_ms;
		snprintf(ret->source, sizeof(ret->source), "%s", facts.source);
	}
	aws_unref(aws);
}

const char *model_profile(const struct snapshot *s)
{
	return aws_profiles_chosen(s->settings ? settings_get(s->settings, SETTING_AWS_PROFILE) : NULL);
}
