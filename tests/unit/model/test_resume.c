/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct place prod = {.account = "111111111111", .region = "eu-west-1", .stack = "vast-prod"};

static struct settings *parse(const char *text)
{
	struct settings *s;

	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), 0);
	return s;
}

/* An interrupted deploy of prod, and a mount of prod that can resume it. */
struct given {
	struct journal_entry entry;
	struct resume_facts facts;
	struct settings *settings;
};

static int set_up(void **state)
{
	static struct given g;

	g = (struct given){
		.entry = {.number = 3, .name = "deploy", .place = prod, .credentials = "00aa", .state = JOB_RUNNING},
		.facts = {.verb_known = true, .accepted = "stage=prod\n", .here = prod, .credentials = "00aa"},
		.settings = parse("stage=prod\n")};
	g.facts.in_force = g.settings;
	*state = &g;
	return 0;
}

static int tear_down(void **state)
{
	settings_unref(((struct given *)*state)->settings);
	return 0;
}

static void expect(struct given *g, enum resume expected, const char *word)
{
	_cleanup_(settings_unref_cleanup) struct settings *settings = NULL;
	struct error err = {0};

	assert_int_equal(resume_decide(&g->entry, &g->facts, &settings, &err), expected);
	assert_int_equal(settings != NULL, expected == RESUME_NOW);
	assert_int_equal(*err.remedy != '\0', expected != RESUME_NOW);
	if (!strstr(err.message, word))
		fail_msg("%s", err.message);
}

static void test_at_its_place_it_is_resumed_with_its_own_settings(void **state)
{
	struct given *g = *state;
	struct settings *settings = NULL;
	struct error err;

	g->facts.accepted = "stage=prod\nserver_memory=8192\n";
	assert_int_equal(resume_decide(&g->entry, &g->facts, &settings, &err), RESUME_NOW);
	assert_int_equal(settings->server_memory, 8192);
	settings_unref(settings);
}

static void test_the_account_may_still_be_unknown(void **state)
{
	struct given *g = *state;

	g->facts.here.account[0] = '\0';
	g->facts.credentials = "00bb";
	expect(g, RESUME_NOW, "");
}

static void test_elsewhere_it_is_not_resumed(void **state)
{
	struct given *g = *state;

	strcpy(g->facts.here.account, "222222222222");
	expect(g, RESUME_ELSEWHERE, "account 111111111111 (here: 222222222222)");
	g->facts.here = prod;
	strcpy(g->facts.here.region, "us-east-1");
	expect(g, RESUME_ELSEWHERE, "region");
	g->facts.here = prod;
	strcpy(g->facts.here.endpoint, "http://localhost:1");
	expect(g, RESUME_ELSEWHERE, "endpoint");
	g->facts.here = prod;
	strcpy(g->facts.here.stack, "vast-dev");
	expect(g, RESUME_ELSEWHERE, "stack vast-prod (here: vast-dev)");
}

static void test_without_an_account_the_same_key_is_wanted(void **state)
{
	struct given *g = *state;

	g->entry.place.account[0] = '\0';
	expect(g, RESUME_NOW, "");
	g->facts.credentials = "00bb";
	expect(g, RESUME_ELSEWHERE, "credentials have changed");
}

static void test_what_is_not_understood_is_left_for_who_does(void **state)
{
	struct given *g = *state;

	g->facts.accepted = "new_key=1\n";
	expect(g, RESUME_ELSEWHERE, "cannot parse the settings");
	g->facts.verb_known = false;
	expect(g, RESUME_ELSEWHERE, "no operation deploy");
	g->facts.verb_known = true;
	g->facts.in_force = NULL;
	expect(g, RESUME_ELSEWHERE, "no settings");
}

static void test_why_there_is_no_client_is_the_reason(void **state)
{
	struct given *g = *state;
	struct error why = {0};

	error_set(&why, -EINVAL, "AWS_CA_BUNDLE names no file");
	error_remedy(&why, "name a file in AWS_CA_BUNDLE");
	g->facts.no_client = &why;
	expect(g, RESUME_ELSEWHERE, "AWS_CA_BUNDLE names no file");
	why.remedy[0] = '\0';
	expect(g, RESUME_ELSEWHERE, "AWS_CA_BUNDLE names no file");
	g->facts.in_force = NULL;
	expect(g, RESUME_ELSEWHERE, "no settings");
}

static void test_an_entry_of_the_first_version(void **state)
{
	struct given *g = *state;

	g->facts.accepted = NULL;
	g->entry.place = (struct place){0};
	settings_hash_first(g->settings, g->entry.settings_hash);
	expect(g, RESUME_NOW, "");
	strcpy(g->entry.name, "destroy");
	expect(g, RESUME_ELSEWHERE, "which account");
	strcpy(g->entry.settings_hash, "0123456789abcdef");
	expect(g, RESUME_NEVER, "settings have changed");
}

static void test_an_account_that_turns_out_to_be_another(void **state)
{
	struct given *g = *state;
	struct place here = prod;
	struct error err = {0};

	assert_int_equal(resume_check_account(&g->entry, &here, &err), 0);
	strcpy(here.account, "222222222222");
	assert_true(resume_check_account(&g->entry, &here, &err) < 0);
	assert_non_null(strstr(err.message, "222222222222"));
}

static void test_a_newer_operation_at_the_place_supersedes(void **state)
{
	struct given *g = *state;
	struct journal_entry newer = g->entry;

	newer.number = 4;
	assert_true(resume_is_superseded(&g->entry, &newer, g->settings));
	assert_false(resume_is_superseded(&newer, &g->entry, g->settings));
	strcpy(newer.place.account, "222222222222");
	assert_false(resume_is_superseded(&g->entry, &newer, g->settings));
	newer.place = prod;
	g->entry.state = JOB_SUCCEEDED;
	assert_false(resume_is_superseded(&g->entry, &newer, g->settings));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_its_place_it_is_resumed_with_its_own_settings),
		TEST(test_the_account_may_still_be_unknown),
		TEST(test_elsewhere_it_is_not_resumed),
		TEST(test_without_an_account_the_same_key_is_wanted),
		TEST(test_what_is_not_understood_is_left_for_who_does),
		TEST(test_why_there_is_no_client_is_the_reason),
		TEST(test_an_entry_of_the_first_version),
		TEST(test_an_account_that_turns_out_to_be_another),
		TEST(test_a_newer_operation_at_the_place_supersedes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
