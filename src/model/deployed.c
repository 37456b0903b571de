/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deployed.c - remembers which stacks of this configuration exist, and where.
 *
 * The journal records each known stack with its place (account, region and so on) until AWS reports that the stack is
 * deleted. If the settings in force no longer name the stack (another stage, region, profile or account), it costs
 * money but is not shown in stack/. So `status` names the stack and the setting that shows it again, and `error` has
 * one line about it for each such setting.
 */
#include "aws/services/sts.h"
#include "model/internal.h"

#include <string.h>

#define ELSEWHERE_MAX 8192 /* bytes of text */

struct deployed {
	struct model *model;
	pthread_mutex_t lock; /* guards the fields below; publications are made in its order */
	struct place reported[JOURNAL_DEPLOYED_MAX];
	size_t reported_n;
	struct place reported_here; /* the place of this mount at the time of the last report */
};

/* -- stacks that the settings do not name ---------------------------------------------------------------------- */

/*
 * While the account of the credentials in force is not known, the same profile counts as the same account, and any
 * other profile as another account.
 */
static bool deployed_is_here(const struct place *p, const struct place *here)
{
	if (!place_may_be_same(p, here))
		return false;
	return *here->account || strcmp(p->profile, here->profile) == 0;
}

/* If the settings have changed again, another setting is needed, and the remedy in `error` would be wrong. */
static bool deployed_is_same_way(const struct place *p, const struct place *here, const struct place *before)
{
	_buf_ struct buf way = BUF_INIT(ELSEWHERE_MAX);
	_buf_ struct buf way_before = BUF_INIT(ELSEWHERE_MAX);

	place_put_way(p, here, &way);
	place_put_way(p, before, &way_before);
	return strcmp(buf_str(&way), buf_str(&way_before)) == 0;
}

static bool deployed_is_reported(const struct deployed *d, const struct place *p, const struct place *here)
{
	for (size_t i = 0; i < d->reported_n; i++)
		if (place_may_be_same(&d->reported[i], p))
			return deployed_is_same_way(p, here, &d->reported_here);
	return false;
}

/* Nothing failed, so the errno is 0; it is reported in `error` because people read that file. */
static void deployed_report(struct model *m, const struct place *p, const struct place *here)
{
	_buf_ struct buf way = BUF_INIT(ELSEWHERE_MAX);
	struct error err;

	place_put_way(p, here, &way);
	error_set(&err, 0, "the stack %s in %s (account %s) is still deployed and costs money", p->stack, p->region,
		  p->account);
	error_remedy(&err, "%s to return to the stack, then touch control/destroy to end the cost", buf_str(&way));
	failures_add(m->failures, &(struct failure_site){.path = "config/default.env"}, &err);
	model_event(m, "%s", err.message);
}

static void deployed_put_line(const struct place *p, const struct place *here, struct buf *out)
{
	_buf_ struct buf way = BUF_INIT(ELSEWHERE_MAX);

	place_put_way(p, here, &way);
	buf_printf(out, "%s%s in %s, account %s, costs money; %s to return to it", out->len ? " | " : "", p->stack,
		   p->region, p->account, buf_str(&way));
}

static int deployed_edit_elsewhere(struct snapshot *s, void *arg)
{
	blob_unref(s->elsewhere);
	s->elsewhere = blob_ref(arg);
	return 0;
}

static void deployed_publish(struct model *m, const struct snapshot *s, struct buf *text)
{
	_cleanup_(blob_unref_cleanup) struct blob *blob = text->len ? blob_from_buf(text) : NULL;

	if (!blob && !s->elsewhere)
		return;
	if (blob && s->elsewhere && strcmp(blob->data, s->elsewhere->data) == 0)
		return;
	model_publish(m, deployed_edit_elsewhere, blob);
}

static void deployed_refresh_locked(struct deployed *d)
{
	struct model *m = d->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	_buf_ struct buf text = BUF_INIT(ELSEWHERE_MAX);
	struct place places[JOURNAL_DEPLOYED_MAX], here;
	struct aws *aws = model_aws(m);
	size_t n = s->settings ? journal_deployed(m->journal, places) : 0, left = 0;

	identity_here(s, aws, &here);
	aws_unref(aws);
	for (size_t i = 0; i < n; i++) {
		if (deployed_is_here(&places[i], &here))
			continue;
		if (!deployed_is_reported(d, &places[i], &here))
			deployed_report(m, &places[i], &here);
		deployed_put_line(&places[i], &here, &text);
		places[left++] = places[i];
	}
	memcpy(d->reported, places, left * sizeof(places[0]));
	d->reported_n = left;
	d->reported_here = here;
	deployed_publish(m, s, &text);
}

void deployed_refresh(struct model *m)
{
	pthread_mutex_lock(&m->deployed->lock);
	deployed_refresh_locked(m->deployed);
	pthread_mutex_unlock(&m->deployed->lock);
}

/* -- the stack that the settings name -------------------------------------------------------------------------- */

/* "arn:aws:cloudformation:eu-west-1:123456789012:stack/vast-x/..." */
static void deployed_account_of(const char *arn, char *out, size_t size)
{
	for (int colons = 0; *arn && colons < 4; arn++)
		colons += *arn == ':';
	snprintf(out, size, "%.*s", (int)strcspn(arn, ":"), arn);
}

static void deployed_note_present(struct model *m, const struct snapshot *s, struct place *here)
{
	struct place places[JOURNAL_DEPLOYED_MAX];
	size_t n = journal_deployed(m->journal, places);

	deployed_account_of(s->stack->stack_id, here->account, sizeof(here->account));
	identity_set(m, s->settings, here->account);
	for (size_t i = 0; i < n; i++)
		if (memcmp(&places[i], here, sizeof(*here)) == 0)
			return;
	journal_deployed_add(m->journal, here);
}

struct absence {
	struct model *model;
	struct settings *settings; /* settings in force when the stack was found missing */
	struct place here;
};

static void deployed_absence_free(struct absence *a)
{
	settings_unref(a->settings);
	free(a);
}

/* The reply names the account in which the stack does not exist. */
static void deployed_absence_settled(struct aws_reply *reply, void *arg)
{
	struct absence *a = arg;

	if (!error_is(&reply->error) && *aws_text(reply->body, "Account")) {
		snprintf(a->here.account, sizeof(a->here.account), "%s", aws_text(reply->body, "Account"));
		identity_set(a->model, a->settings, a->here.account);
		journal_deployed_remove(a->model->journal, &a->here);
		deployed_refresh(a->model);
	}
	deployed_absence_free(a);
}

static bool deployed_may_be_missed(struct model *m, const struct place *here)
{
	struct place places[JOURNAL_DEPLOYED_MAX], anywhere = *here;
	size_t n = journal_deployed(m->journal, places);

	anywhere.account[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (place_may_be_same(&places[i], &anywhere))
			return true;
	return false;
}

static void deployed_note_absent(struct model *m, const struct snapshot *s, struct aws *aws, const struct place *here)
{
	struct aws_request *request = aws && deployed_may_be_missed(m, here) ? sts_get_caller_identity() : NULL;
	struct absence *a = request ? calloc(1, sizeof(*a)) : NULL;

	if (!a) {
		aws_request_free(request);
		return;
	}
	*a = (struct absence){.model = m, .settings = settings_ref(s->settings), .here = *here};
	if (!aws_start(aws, request, deployed_absence_settled, a))
		deployed_absence_free(a);
}

/* A stack in review has no resources yet. */
static bool deployed_costs_money(const struct stack_view *stack)
{
	return stack->exists && !stack->foreign && stack->stack_id && stack->status &&
	       strcmp(stack->status, "REVIEW_IN_PROGRESS") != 0 && strcmp(stack->status, "DELETE_COMPLETE") != 0;
}

void deployed_follow(struct model *m, const struct snapshot *s)
{
	struct aws *aws = model_aws(m);
	struct place here;

	identity_here(s, aws, &here);
	if (s->settings && deployed_costs_money(s->stack))
		deployed_note_present(m, s, &here);
	else if (s->settings)
		deployed_note_absent(m, s, aws, &here);
	aws_unref(aws);
	deployed_refresh(m);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int deployed_new(struct model *m, struct deployed **ret)
{
	struct deployed *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->model = m;
	pthread_mutex_init(&d->lock, NULL);
	*ret = d;
	return 0;
}

void deployed_free(struct deployed *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d);
}
