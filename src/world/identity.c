/*
 * identity.c - where this mount acts, and as whom: the account, region, endpoint and stack of the settings in force.
 *
 * The account and the ARN follow from the credentials, which can change without the settings; only AWS knows them. It
 * is asked when the settings are put in force and for each new set of keys, which is fetched only when it is needed.
 */
#include "aws/credentials/profiles.h"
#include "aws/sts.h"
#include "world/internal.h"

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

/* -- whose credentials they are --------------------------------------------------------------------------------- */

struct identified {
	const struct settings *settings; /* compared only */
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

void identity_set(struct world *w, const struct settings *settings, const char *account)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	struct identified i = {.settings = settings};

	snprintf(i.identity.account, sizeof(i.identity.account), "%s", account);
	if (*account && strcmp(s->identity.account, account) != 0)
		world_publish(w, edit_identity, &i);
}

static void identity_set_all(struct world *w, const struct settings *settings, const cJSON *reply)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	struct identified i = {.settings = settings};

	snprintf(i.identity.account, sizeof(i.identity.account), "%s", aws_text(reply, "Account"));
	snprintf(i.identity.arn, sizeof(i.identity.arn), "%s", aws_text(reply, "Arn"));
	snprintf(i.identity.user_id, sizeof(i.identity.user_id), "%s", aws_text(reply, "UserId"));
	if (*i.identity.account && memcmp(&s->identity, &i.identity, sizeof(i.identity)) != 0)
		world_publish(w, edit_identity, &i);
}

struct identity_question {
	struct world *world;
	struct aws *aws;
	struct settings *settings; /* that it was asked with */
	uint64_t version;	   /* of the keys then, 0: there were none */
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

/* Not knowing it is no failure: what needs the account asks again, and says so then. */
static void identity_answered(struct aws_reply *reply, void *arg)
{
	struct identity_question *q = arg;
	bool outdated = q->version && identity_version(q->aws) != q->version;

	if (q->world->identifying == q->aws)
		q->world->identifying = NULL;
	if (!error_is(&reply->error))
		identity_set_all(q->world, q->settings, reply->body);
	deployed_refresh(q->world);
	if (outdated)
		identity_refresh(q->world);
	identity_question_free(q);
}

static void identity_ask(void *arg)
{
	struct identity_question *q = arg;
	struct world *w = q->world;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	struct aws_request *request;

	q->aws = world_aws(w);
	request = q->aws && s->settings && w->identifying != q->aws ? sts_get_caller_identity() : NULL;
	if (request) {
		request->quiet = true;
		q->settings = settings_ref(s->settings);
		q->version = identity_version(q->aws);
	}
	if (request && aws_start(q->aws, request, identity_answered, q))
		w->identifying = q->aws;
	else
		identity_question_free(q);
}

void identity_refresh(struct world *w)
{
	struct identity_question *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	q->world = w;
	if (atomic_load(&w->stopping) || engine_post(w->engine, identity_ask, q) < 0)
		free(q);
}

void identity_keys_changed(void *arg)
{
	identity_refresh(arg);
}

void world_credentials(struct world *w, struct world_credentials *ret)
{
	struct aws *aws = world_aws(w);
	struct aws_credentials_facts facts;

	*ret = (struct world_credentials){0};
	if (aws && aws_check_credentials(aws, &ret->error) == 0 && aws_credentials_facts(aws, &facts)) {
		ret->known = true;
		ret->expires_ms = facts.expires_ms;
		snprintf(ret->source, sizeof(ret->source), "%s", facts.source);
	}
	aws_unref(aws);
}

const char *world_profile(const struct snapshot *s)
{
	return aws_profiles_chosen(s->settings ? settings_get(s->settings, SETTING_AWS_PROFILE) : NULL);
}
