/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resume.c - decides what happens to an operation that had not ended when its vastfs ended. Pure; any thread.
 *
 * An operation is accepted for one account, region, endpoint and stack (a place), with the settings of that moment. A
 * mount of that place resumes the operation with those settings; any other mount must not touch it.
 */
#include "model/internal.h"

#include <string.h>

#define WAY_MAX 2048 /* most bytes of the text that names the place */

static enum resume resume_elsewhere(const struct place *there, const struct place *here, struct error *err)
{
	_buf_ struct buf difference = BUF_INIT(WAY_MAX);
	_buf_ struct buf way = BUF_INIT(WAY_MAX);

	place_put_difference(there, here, &difference);
	place_put_way(there, here, &way);
	error_set(err, -EINTR, "the operation was started for another place: %s", buf_str(&difference));
	error_remedy(err, "%s, then mount again, which resumes the operation", buf_str(&way));
	return RESUME_ELSEWHERE;
}

static enum resume resume_read_only(struct error *err)
{
	error_set(err, -EINTR, "this mount is read-only");
	error_remedy(err, "mount without ro, which resumes the operation");
	return RESUME_ELSEWHERE;
}

static enum resume resume_without_settings(struct error *err)
{
	error_set(err, -EINTR, "no settings are in force");
	error_remedy(err, "repair config/default.env, then mount again");
	return RESUME_ELSEWHERE;
}

static enum resume resume_without_client(const struct error *why, struct error *err)
{
	*err = *why;
	error_remedy(err, "%s%smount again", why->remedy, *why->remedy ? ", then " : "");
	return RESUME_ELSEWHERE;
}

/*
 * Version 0.1 recorded a hash of the settings and nothing about the account. Only a destroy does damage in a wrong
 * account.
 */
static enum resume resume_first_version(const struct journal_entry *e, const struct resume_facts *facts,
					struct settings **ret_settings, struct error *err)
{
	char hash[SETTINGS_HASH_SIZE];

	if (strcmp(settings_hash_first(facts->in_force, hash), e->settings_hash) != 0) {
		error_set(err, -EINTR, "interrupted when vastfs ended, and the settings have changed since");
		error_remedy(err, "check status and stack/, then start the operation again");
		return RESUME_NEVER;
	}
	if (strcmp(e->name, "destroy") == 0) {
		error_set(err, -EINTR,
			  "vastfs 0.1 started the operation and did not record in which account to destroy");
		error_remedy(err, "touch control/destroy if status shows the right account and region");
		return RESUME_ELSEWHERE;
	}
	*ret_settings = settings_ref(facts->in_force);
	return RESUME_NOW;
}

/* If vastfs was killed before it knew the account, the same access key proves the same account. */
static bool resume_may_be_other_account(const struct journal_entry *e, const struct resume_facts *facts)
{
	return !*e->place.account && *e->credentials && strcmp(e->credentials, facts->credentials) != 0;
}

static enum resume resume_other_account(const struct journal_entry *e, struct error *err)
{
	error_set(err, -EINTR,
		  "the credentials have changed, and the account for which the operation was started is not recorded");
	error_remedy(err,
		     "mount again with the credentials of that time, or touch %s/%s if this account is the right one",
		     model_verb_directory(e->name), e->name);
	return RESUME_ELSEWHERE;
}

static enum resume resume_parse_settings(const struct resume_facts *facts, struct settings **ret_settings,
					 struct error *err)
{
	if (settings_parse(facts->accepted, strlen(facts->accepted), ret_settings, err) == 0)
		return RESUME_NOW;
	error_prefix(err, "cannot parse the settings of the operation");
	error_remedy(err, "mount with the version of vastfs that started the operation");
	return RESUME_ELSEWHERE;
}

enum resume resume_decide(const struct journal_entry *e, const struct resume_facts *facts,
			  struct settings **ret_settings, struct error *err)
{
	*ret_settings = NULL;
	if (facts->read_only)
		return resume_read_only(err);
	if (!facts->verb_known) {
		error_set(err, -EINTR, "this version of vastfs has no operation %s", e->name);
		error_remedy(err, "mount with the version of vastfs that started the operation");
		return RESUME_ELSEWHERE;
	}
	if (!facts->in_force)
		return resume_without_settings(err);
	if (facts->no_client)
		return resume_without_client(facts->no_client, err);
	if (!facts->accepted)
		return resume_first_version(e, facts, ret_settings, err);
	if (!place_may_be_same(&e->place, &facts->here))
		return resume_elsewhere(&e->place, &facts->here, err);
	if (resume_may_be_other_account(e, facts))
		return resume_other_account(e, err);
	return resume_parse_settings(facts, ret_settings, err);
}

int resume_check_account(const struct journal_entry *e, const struct place *here, struct error *err)
{
	if (place_may_be_same(&e->place, here))
		return 0;
	resume_elsewhere(&e->place, here, err);
	return err->errnum;
}

bool resume_is_superseded(const struct journal_entry *e, const struct journal_entry *newer,
			  const struct settings *settings)
{
	char hash[SETTINGS_HASH_SIZE];

	if (job_state_ended(e->state) || e->number >= newer->number)
		return false;
	if (*e->settings_hash)
		return strcmp(settings_hash_first(settings, hash), e->settings_hash) == 0;
	return place_may_be_same(&e->place, &newer->place);
}
