/*
 * identity.c - where this mount acts: the account, region, endpoint and stack of the settings in force.
 *
 * The account follows from the credentials, which can change without the settings; only AWS knows it.
 */
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
	snprintf(ret->account, sizeof(ret->account), "%s", s->account);
	snprintf(ret->region, sizeof(ret->region), "%s", settings_get(s->settings, SETTING_AWS_REGION));
	snprintf(ret->profile, sizeof(ret->profile), "%s", settings_get(s->settings, SETTING_AWS_PROFILE));
	settings_stack_name(s->settings, ret->stack);
	if (aws)
		snprintf(ret->endpoint, sizeof(ret->endpoint), "%s", aws_endpoint_override(aws, "cloudformation"));
}

/* -- the account ------------------------------------------------------------------------------------------------ */

struct identified {
	const struct settings *settings; /* compared only */
	const char *account;
};

static int edit_account(struct snapshot *s, void *arg)
{
	const struct identified *i = arg;

	if (s->settings != i->settings)
		return -ESTALE;
	snprintf(s->account, sizeof(s->account), "%s", i->account);
	return 0;
}

void identity_set(struct world *w, const struct settings *settings, const char *account)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);

	if (*account && strcmp(s->account, account) != 0)
		world_publish(w, edit_account, &(struct identified){settings, account});
}

struct identity_question {
	struct world *world;
	struct settings *settings; /* that it was asked with */
};

static void identity_question_free(struct identity_question *q)
{
	settings_unref(q->settings);
	free(q);
}

/* Not knowing it is no failure: what needs the account asks again, and says so then. */
static void identity_answered(struct aws_reply *reply, void *arg)
{
	struct identity_question *q = arg;

	if (!error_is(&reply->error))
		identity_set(q->world, q->settings, aws_text(reply->body, "Account"));
	deployed_refresh(q->world);
	identity_question_free(q);
}

static void identity_ask(void *arg)
{
	struct identity_question *q = arg;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(q->world);
	struct aws *aws = world_aws(q->world);
	struct aws_request *request = aws && s->settings ? sts_get_caller_identity() : NULL;

	if (request) {
		request->quiet = true;
		q->settings = settings_ref(s->settings);
	}
	if (!request || !aws_start(aws, request, identity_answered, q))
		identity_question_free(q);
	aws_unref(aws);
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
