/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resume.c - what is to become of an operation that had not ended when its vastfs did. Pure.
 *
 * It was accepted for one account, region, endpoint and stack, and with the settings of that moment. There it is taken
 * up again, with those settings; elsewhere nothing can be said about it, and nothing may be done.
 */
#include "model/internal.h"

#include <string.h>

#define WAY_MAX 2048 /* bytes of text */

static enum resume resume_elsewhere(const struct place *there, const struct place *here, struct error *err)
{
	_buf_ struct buf difference = BUF_INIT(WAY_MAX);
	_buf_ struct buf way = BUF_INIT(WAY_MAX);

	place_put_difference(there, here, &difference);
	place_put_way(there, here, &way);
	error_set(err, -EINTR, "it was begun elsewhere: %s", buf_str(&difference));
	error_remedy(err, "%s, then mount again: there it is taken up", buf_str(&way));
	return RESUME_ELSEWHERE;
}

static enum resume resume_without_settings(struct error *err)
{
	error_set(err, -EINTR, "no settings are in force");
	error_remedy(err, "repair config/default.env, then mount again");
	return RESUME_ELSEWHERE;
}

/* Version 0.1 noted the settings' hash and nothing about the account. Only a destroy does harm in a wrong one. */
static enum resume resume_first_version(const struct journal_entry *e, const struct resume_facts *facts,
					struct settings **ret_settings, struct error *err)
{
	char hash[SETTINGS_HASH_SIZE];

	if (strcmp(settings_hash_first(facts->in_force, hash), e->settings_hash) != 0) {
		error_set(err, -EINTR, "interrupted when vastfs was ended, and the settings have changed since");
		error_remedy(err, "look at status and stack/, then start the operation again");
		return RESUME_NEVER;
	}
	if (strcmp(e->name, "destroy") == 0) {
		error_set(err, -EINTR, "vastfs 0.1 began it and did not note in which account to destroy");
		error_remedy(err, "touch control/destroy if account and region are the right ones");
		return RESUME_ELSEWHERE;
	}
	*ret_settings = settings_ref(facts->in_force);
	return RESUME_NOW;
}

/* Killed before AWS said which account it is: the same access key is as good. */
static bool resume_may_be_other_account(const struct journal_entry *e, const struct resume_facts *facts)
{
	return !*e->place.account && *e->credentials && strcmp(e->credentials, facts->credentials) != 0;
}

static enum resume resume_other_account(const struct journal_entry *e, struct error *err)
{
	error_set(err, -EINTR, "the credentials have changed before it was known for which account it was begun");
	error_remedy(err,
		     "use the credentials of that time and mount again, or touch control/%s if this account is the "
		     "right one",
		     e->name);
	return RESUME_ELSEWHERE;
}

static enum resume resume_parse_settings(const struct resume_facts *facts, struct settings **ret_settings,
					 struct error *err)
{
	if (settings_parse(facts->accepted, strlen(facts->accepted), ret_settings, err) == 0)
		return RESUME_NOW;
	error_prefix(err, "its settings are not understood");
	error_remedy(err, "mount with the version of vastfs that began it");
	return RESUME_ELSEWHERE;
}

enum resume resume_decide(const struct journal_entry *e, const struct resume_facts *facts,
			  struct settings **ret_settings, struct error *err)
{
	*ret_settings = NULL;
	if (!facts->verb_known) {
		error_set(err, -EINTR, "this version of vastfs has no operation %s", e->name);
		error_remedy(err, "mount with the version of vastfs that began it");
		return RESUME_ELSEWHERE;
	}
	if (!facts->in_force)
		return resume_without_settings(err);
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
