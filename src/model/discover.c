/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * discover.c - reads the VPCs of the region for discover/: once, and again on request. Engine thread.
 *
 * A round consists of DescribeVpcs and GetCallerIdentity, then the lists of the region in parallel, then the DNS
 * attributes of the VPCs. Only a few attributes are requested at a time, because EC2 limits the request rate of the
 * whole account. If a call fails, only its own reply is missing, except that a round fails without DescribeVpcs.
 * Nothing is polled.
 *
 * The settings in force name the region and the profile. Without settings the environment or ~/.aws may name a region;
 * the round then makes its own client and frees it at its end.
 */
#include "aws/services/ec2.h"
#include "aws/services/service.h"
#include "aws/services/sts.h"
#include "model/internal.h"
#include "stack/suggest.h"

#include <string.h>

#define ATTRIBUTES_AT_ONCE 4

struct discover_round {
	struct discover *discover;
	struct aws *aws;
	char *region, *profile;
	char account[16];
	struct discovery_facts facts;
	cJSON *queue; /* IDs of VPCs whose attributes are still to be read; NULL: not known yet */
	enum { DISCOVER_VPCS, DISCOVER_LISTS, DISCOVER_ATTRIBUTES } step;
	unsigned pending;
	bool cancelled;
	struct error error; /* why there are no facts at all */
};

struct discover {
	struct model *model;
	struct discover_round *round; /* NULL: none is running */
	_Atomic bool forced;	      /* the user has requested a new round */
	bool again;		      /* another round follows this one */
};

/* One call of a round. */
struct discover_call {
	struct discover_round *round;
	const char *name; /* name of the reply, see struct discovery_facts */
	char permission[96];
	char vpc[64]; /* "": the reply is about the region */
};

static void discover_start(struct discover *d);
static void discover_continue(struct discover_round *r);

/* -- the end of a round ---------------------------------------------------------------------------------------- */

static void discover_round_free(struct discover_round *r)
{
	aws_unref(r->aws);
	free(r->region);
	free(r->profile);
	cJSON_Delete(r->facts.replies);
	cJSON_Delete(r->facts.missing);
	cJSON_Delete(r->queue);
	free(r);
}

static const char *discover_region_of(const struct settings *s)
{
	return s ? settings_get(s, SETTING_AWS_REGION) : "";
}

/* Without settings a discovery is about the region of the environment, which does not change. */
static bool discover_is_about(const struct discovery *d, const struct snapshot *s)
{
	return !s->settings ||
	       discovery_is_about(d, discover_region_of(s->settings), settings_get(s->settings, SETTING_AWS_PROFILE));
}

static int discover_edit_snapshot(struct snapshot *s, void *arg)
{
	struct discovery *found = arg;

	if (!discover_is_about(found, s))
		return -ESTALE;
	discovery_unref(s->discovery);
	s->discovery = discovery_ref(found);
	return 0;
}

/*
 * Publishes the discovery and takes it over; NULL means that memory is out. -ESTALE: the settings in force now name
 * another region or profile.
 */
static int discover_publish(struct model *m, struct discovery *found)
{
	int r = found ? model_publish(m, discover_edit_snapshot, found) : -ENOMEM;

	discovery_unref(found);
	return r;
}

static struct discovery *discover_result(struct discover_round *r)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(r->discover->model);
	struct discovery_facts facts = r->facts;

	if (error_is(&r->error))
		return discovery_new(r->region, r->profile, DISCOVERY_FAILED, &r->error);
	facts.region = r->region;
	facts.profile = r->profile;
	facts.account = r->account;
	r->facts = (struct discovery_facts){0}; /* discovery_parse has taken over the replies */
	return discovery_parse(&facts, s->discovery);
}

static void discover_end(struct discover_round *r)
{
	struct discover *d = r->discover;

	d->round = NULL;
	if (!r->cancelled && discover_publish(d->model, discover_result(r)) == -ESTALE)
		d->again = true;
	if (!r->cancelled && d->again)
		discover_start(d);
	discover_round_free(r);
}

/* -- calls ----------------------------------------------------------------------------------------------------- */

static void discover_keep(const struct discover_call *c, cJSON *body)
{
	cJSON *replies = c->round->facts.replies, *of_vpcs = cJSON_GetObjectItemCaseSensitive(replies, c->name);

	if (*c->vpc && !of_vpcs)
		of_vpcs = cJSON_AddObjectToObject(replies, c->name);
	if (!cJSON_AddItemToObject(*c->vpc ? of_vpcs : replies, *c->vpc ? c->vpc : c->name, body))
		cJSON_Delete(body);
}

static void discover_note_cut(struct discover_round *r, const char *name)
{
	r->facts.more_vpcs = r->facts.more_vpcs || strcmp(name, "vpcs") == 0;
	r->facts.more_subnets = r->facts.more_subnets || strcmp(name, "subnets") == 0;
}

static void discover_replied(struct aws_reply *reply, void *arg)
{
	struct discover_call *c = arg;
	struct discover_round *r = c->round;

	if (reply->error.errnum == -ECANCELED)
		r->cancelled = true;
	else if (!error_is(&reply->error))
		discover_keep(c, move_ptr(reply->body));
	else if (strcmp(c->name, "vpcs") == 0)
		r->error = reply->error;
	else
		discovery_note_missing(r->facts.missing, c->name, c->permission, &reply->error);
	if (reply->truncated)
		discover_note_cut(r, c->name);
	free(c);
	r->pending--;
	discover_continue(r);
}

static void discover_ask(struct discover_round *r, const char *name, const char *vpc, struct aws_request *request)
{
	struct discover_call *c = calloc(1, sizeof(*c));

	if (c && request) {
		*c = (struct discover_call){.round = r, .name = name};
		snprintf(c->vpc, sizeof(c->vpc), "%s", vpc);
		snprintf(c->permission, sizeof(c->permission), "%s:%s", request->service->signing_name,
			 request->operation);
		request->quiet = true;
		if (aws_start(r->aws, request, discover_replied, c)) {
			r->pending++;
			return;
		}
	} else {
		aws_request_free(request);
	}
	free(c);
	error_set(&r->error, -ENOMEM, "out of memory");
}

/* -- the steps of a round -------------------------------------------------------------------------------------- */

static void discover_ask_lists(struct discover_round *r)
{
	discover_ask(r, "gateways", "", ec2_describe_all_internet_gateways());
	discover_ask(r, "subnets", "", ec2_describe_all_subnets());
	discover_ask(r, "peerings", "", ec2_describe_vpc_peering_connections());
	discover_ask(r, "access", "", ec2_describe_block_public_access());
	discover_ask(r, "exclusions", "", ec2_describe_block_public_access_exclusions());
	discover_ask(r, "dhcp", "", ec2_describe_dhcp_options());
}

/* Makes the two calls for each VPC. */
static void discover_ask_attributes(struct discover_round *r)
{
	while (r->queue->child && r->pending < ATTRIBUTES_AT_ONCE && !error_is(&r->error)) {
		cJSON *id = cJSON_DetachItemViaPointer(r->queue, r->queue->child);

		discover_ask(r, "support", id->valuestring,
			     ec2_describe_vpc_attribute(id->valuestring, "enableDnsSupport"));
		discover_ask(r, "hostnames", id->valuestring,
			     ec2_describe_vpc_attribute(id->valuestring, "enableDnsHostnames"));
		cJSON_Delete(id);
	}
}

static void discover_take_account(struct discover_round *r)
{
	cJSON *identity = cJSON_DetachItemFromObjectCaseSensitive(r->facts.replies, "account");

	snprintf(r->account, sizeof(r->account), "%s", aws_text(identity, "Account"));
	r->facts.account = r->account;
	cJSON_Delete(identity);
}

static void discover_queue_attributes(struct discover_round *r)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(r->discover->model);
	const char *wanted = s->settings ? settings_get(s->settings, SETTING_VPC_ID) : "";

	r->queue = discovery_attribute_order(&r->facts, wanted, DISCOVERY_ATTRIBUTES_MOST);
	if (!r->queue)
		error_set(&r->error, -ENOMEM, "out of memory");
}

static void discover_take_step(struct discover_round *r)
{
	if (r->step == DISCOVER_VPCS) {
		r->step = DISCOVER_LISTS;
		discover_take_account(r);
		discover_ask_lists(r);
	} else if (r->step == DISCOVER_LISTS) {
		r->step = DISCOVER_ATTRIBUTES;
		discover_queue_attributes(r);
	}
}

/* Called when a call has ended: starts the next calls of the round, or ends it. */
static void discover_continue(struct discover_round *r)
{
	bool goes_on = !r->cancelled && !error_is(&r->error);

	if (goes_on && r->pending == 0)
		discover_take_step(r);
	if (goes_on && r->step == DISCOVER_ATTRIBUTES && r->queue)
		discover_ask_attributes(r);
	if (r->pending == 0)
		discover_end(r);
}

/* -- the client ------------------------------------------------------------------------------------------------ */

static struct discover_round *discover_round_new(struct discover *d, struct aws *aws, const char *region,
						 const char *profile)
{
	struct discover_round *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->discover = d;
	r->aws = aws_ref(aws);
	r->region = strdup(region);
	r->profile = strdup(profile);
	r->facts.region = r->region;
	r->facts.replies = cJSON_CreateObject();
	r->facts.missing = cJSON_CreateObject();
	if (r->region && r->profile && r->facts.replies && r->facts.missing)
		return r;
	discover_round_free(r);
	return NULL;
}

/* The settings of an empty default.env, with the region of the environment or the profile. */
static int discover_settings_without_file(struct model *m, struct settings **ret, struct error *err)
{
	int r = settings_disk_parse(m, "", 0, ret, err);

	if (r == 0)
		r = settings_file_add_region(*ret);
	return r;
}

static int discover_make_client(struct model *m, const struct settings *s, struct aws **ret, struct error *err)
{
	struct aws_config config = identity_config(s);

	config.api_log = m->api_log;
	config.keys_changed = identity_keys_changed;
	config.keys_changed_arg = m;
	return aws_new(m->engine, &config, ret, err);
}

static int discover_refuse_nowhere(struct error *err)
{
	error_set(err, -EINVAL, "no region is known");
	error_remedy(
		err,
		"write aws_region=REGION to config/default.env; AWS_REGION and the region of the AWS profile count "
		"too, at the next mount");
	return -EINVAL;
}

/* The client for the settings in force, or for the environment. *ret is NULL after a failure, with a message. */
static int discover_find_client(struct model *m, const struct settings *s, bool in_force, struct aws **ret,
				struct error *err)
{
	int r = settings_check_region(s, err);

	*ret = NULL;
	if (r == 0 && !*discover_region_of(s))
		r = discover_refuse_nowhere(err);
	if (r < 0 || !in_force)
		return r < 0 ? r : discover_make_client(m, s, ret, err);
	*ret = model_aws(m);
	if (*ret)
		return 0;
	r = model_client_error(m, err);
	return r < 0 ? r : error_set(err, -EIO, "the client for %s is not ready", discover_region_of(s));
}

static void discover_begin(struct discover *d, const struct settings *s, struct aws *aws)
{
	struct model *m = d->model;
	const char *region = discover_region_of(s), *profile = settings_get(s, SETTING_AWS_PROFILE);
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(m);
	struct discover_round *r = discover_round_new(d, aws, region, profile);

	if (!r)
		return;
	if (now->discovery->state != DISCOVERY_READ || !discovery_is_about(now->discovery, region, profile))
		discover_publish(m, discovery_new(region, profile, DISCOVERY_READING, NULL));
	d->round = r;
	r->pending = 1; /* counts this function itself until both calls are made */
	discover_ask(r, "vpcs", "", ec2_describe_all_vpcs());
	discover_ask(r, "account", "", sts_get_caller_identity());
	r->pending--;
	if (r->pending == 0)
		discover_end(r);
}

static void discover_fail(struct discover *d, const struct settings *s, const struct error *err)
{
	discover_publish(d->model, discovery_new(discover_region_of(s), settings_get(s, SETTING_AWS_PROFILE),
						 DISCOVERY_FAILED, err));
}

static void discover_start(struct discover *d)
{
	struct model *m = d->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(m);
	_cleanup_(settings_unref_cleanup) struct settings *s = now->settings ? settings_ref(now->settings) : NULL;
	struct error err = {0};
	struct aws *aws = NULL;
	int r = s ? 0 : discover_settings_without_file(m, &s, &err);

	d->again = false;
	if (r == 0)
		r = discover_find_client(m, s, now->settings != NULL, &aws, &err);
	if (r == 0)
		discover_begin(d, s, aws);
	else if (s)
		discover_fail(d, s, &err);
	aws_unref(aws);
}

/* -- asking for a round ---------------------------------------------------------------------------------------- */

/* If the VPCs of this region and profile are known, they are read again only on request. */
static bool discover_is_done(const struct snapshot *s)
{
	return s->discovery->state == DISCOVERY_READ && discover_is_about(s->discovery, s);
}

static void discover_take_request(void *arg)
{
	struct discover *d = arg;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(d->model);
	bool forced = atomic_exchange(&d->forced, false);

	if (d->round)
		d->again = d->again || forced;
	else if (forced || !discover_is_done(s))
		discover_start(d);
}

void discover_refresh(struct model *m, bool forced)
{
	if (!m->discover || atomic_load(&m->stopping))
		return;
	if (forced)
		atomic_store(&m->discover->forced, true);
	(void)engine_post(m->engine, discover_take_request, m->discover);
}

void discover_at_start(struct model *m)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);

	if (!s->settings)
		discover_refresh(m, false);
}

void discover_retry(struct model *m)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);

	if (s->discovery->state == DISCOVERY_FAILED)
		discover_refresh(m, false);
}

/* -- the proposal ---------------------------------------------------------------------------------------------- */

int model_suggestion_render(const struct snapshot *s, struct buf *out)
{
	const char *own[] = {stack_view_output(s->stack, "PrivateSubnetId"),
			     stack_view_output(s->stack, "PublicSubnetId"), NULL};
	struct suggestion suggestion = {
		.discovery = s->discovery, .settings = s->settings, .own_subnets = own[0] ? own : NULL};

	return suggest_write(&suggestion, out);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int discover_new(struct model *m, struct discover **ret)
{
	struct discover *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->model = m;
	*ret = d;
	return 0;
}

/* The engine has stopped and has completed its calls with -ECANCELED, so no round is running. */
void discover_free(struct discover *d)
{
	free(d);
}
