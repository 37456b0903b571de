/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/config.h"
#include "aws/credentials/chain.h"
#include "aws/endpoints.h"
#include "aws/services/service.h"
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.aws/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* An empty home directory, and no variable that has an effect. */
static int fresh_home(void **state)
{
	char path[128];

	(void)state;
	clearenv();
	snprintf(dir, sizeof(dir), "/tmp/vastfs-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.aws", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	return setenv("HOME", dir, 1);
}

static int remove_home(void **state)
{
	static const char *const names[] = {"/.aws/config", "/.aws/credentials", "/.aws", ""};
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		remove(path);
	}
	return 0;
}

static int find(const char *profile, struct credential_source **ret, struct error *err)
{
	struct aws_profiles profiles;
	int r = aws_profiles_load(&profiles, err);

	if (r == 0)
		r = credential_chain_find(&profiles, profile, ret, err);
	aws_profiles_free(&profiles);
	return r;
}

static void expect_keys(const char *profile, const char *key_id, const char *token)
{
	struct credential_source *s = NULL;
	struct error err = {0};

	if (find(profile, &s, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(s->key_id, key_id);
	assert_string_equal(s->token, token);
	credential_source_free(s);
}

static void expect_no_keys(const char *profile, const char *words)
{
	struct credential_source *s = NULL;
	struct error err = {0};

	assert_true(find(profile, &s, &err) < 0);
	if (!strstr(err.message, words))
		fail_msg("'%s' is not in: %s", words, err.message);
	assert_true(err.remedy[0]);
}

static void test_order_of_sources(void **state)
{
	(void)state;
	expect_no_keys(NULL, "AWS_ACCESS_KEY_ID is not set, and profile default has none in");
	write_file("config", "[default]\naws_access_key_id = CONFIG\naws_secret_access_key = s\n");
	expect_keys(NULL, "CONFIG", "");
	write_file("credentials", "[default]\naws_access_key_id=SHARED\naws_secret_access_key=s\naws_session_token=t\n"
				  "[other]\naws_access_key_id=OTHER\naws_secret_access_key=s\n");
	expect_keys(NULL, "SHARED", "t");
	setenv("AWS_PROFILE", "other", 1);
	expect_keys(NULL, "OTHER", "");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	expect_keys(NULL, "ENV", "");
	expect_keys("default", "SHARED", "t");
	expect_no_keys("missing", "the profile 'missing' is neither in");
}

static void expect_environment_refused(const char *key_id, const char *secret, const char *token, const char *words)
{
	setenv("AWS_ACCESS_KEY_ID", key_id, 1);
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
	setenv("AWS_SESSION_TOKEN", token, 1);
	expect_no_keys(NULL, words);
}

static void test_characters_that_no_header_may_have(void **state)
{
	(void)state;
	expect_environment_refused("A\r", "s", "", "AWS_ACCESS_KEY_ID contains a control character");
	expect_environment_refused("A\n", "s", "", "AWS_ACCESS_KEY_ID contains a control character");
	expect_environment_refused(" A", "s", "", "AWS_ACCESS_KEY_ID contains a blank");
	expect_environment_refused("A\xc3\xa4", "s", "", "AWS_ACCESS_KEY_ID contains a character that is not ASCII");
	expect_environment_refused("A", "s\n", "", "AWS_SECRET_ACCESS_KEY contains a control character");
	expect_environment_refused("A", "s", "t\ninjected: yes", "AWS_SESSION_TOKEN contains a control character");
	expect_environment_refused("A", "s", "t\x7f", "AWS_SESSION_TOKEN contains a control character");
	unsetenv("AWS_SESSION_TOKEN");
	setenv("AWS_SECURITY_TOKEN", "t\t", 1);
	expect_no_keys(NULL, "AWS_SECURITY_TOKEN contains a control character");
	/*
	 * As in botocore, blanks around the value of a variable belong to it; blanks around a value in a file do not.
	 */
	setenv("AWS_SECURITY_TOKEN", " t ", 1);
	setenv("AWS_SECRET_ACCESS_KEY", " s ", 1);
	expect_keys(NULL, "A", " t ");
	write_file("credentials", "[a]\naws_access_key_id =  A \t\naws_secret_access_key= s\naws_session_token = t \r\n"
				  "[b]\naws_access_key_id=B\naws_secret_access_key=s\naws_session_token=t\1t\n");
	expect_keys("a", "A", "t");
	expect_no_keys("b", "credentials: aws_session_token of [b] contains a control character");
}

static void test_files_that_are_none(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/.aws/credentials", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_no_keys(NULL, "it is a FIFO, a device or a socket");
	assert_int_equal(unlink(path), 0);
	write_file("credentials", "");
	assert_int_equal(truncate(path, 8 << 20), 0);
	expect_no_keys(NULL, "it is too large");
	assert_int_equal(truncate(path, 8), 0);
	expect_no_keys(NULL, "NUL");
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	expect_no_keys(NULL, "no AWS credentials");
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/", 1);
	expect_no_keys(NULL, "it is a directory");
}

static void test_what_cannot_be_used_is_named(void **state)
{
	(void)state;
	write_file("config", "[profile a]\nrole_arn = arn\nsource_profile = d\nmfa_serial = x\n"
			     "[profile b]\nlogin_session = x\n[profile c]\ncredential_process = 'a\n"
			     "[profile d]\naws_access_key_id = D\naws_secret_access_key = s\n");
	expect_no_keys("a", "profile a requires a code of an MFA device (mfa_serial)");
	expect_no_keys("b", "console login (login_session)");
	expect_no_keys("c", "credential_process of profile c is not a command: a quotation mark is not closed");
}

static void test_long_tokens(void **state)
{
	char token[3001], text[4000];

	(void)state;
	memset(token, 'T', 3000);
	token[3000] = '\0';
	snprintf(text, sizeof(text),
		 "[default]\naws_access_key_id=A\naws_secret_access_key=a+/=b\naws_session_token=%s\n", token);
	write_file("credentials", text);
	expect_keys(NULL, "A", token);
}

static void expect_endpoint(const char *region, const struct aws_service *s, const char *url, const char *host,
			    const char *signing_region)
{
	struct aws_config config = {.region = region};
	struct aws_endpoint e;
	struct aws_options o;
	struct error err = {0};

	if (aws_options_load(&config, &o, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(aws_endpoint_find(&o, s, NULL, &e, &err), 0);
	assert_string_equal(e.url, url);
	assert_string_equal(e.host, host);
	assert_string_equal(e.region, signing_region);
	aws_options_free(&o);
}

static void test_endpoints_of_aws(void **state)
{
	(void)state;
	expect_endpoint("eu-west-1", &aws_service_ecr, "https://api.ecr.eu-west-1.amazonaws.com",
			"api.ecr.eu-west-1.amazonaws.com", "eu-west-1");
	expect_endpoint("eu-west-1", &aws_service_iam, "https://iam.amazonaws.com", "iam.amazonaws.com", "us-east-1");
	expect_endpoint("cn-northwest-1", &aws_service_iam, "https://iam.cn-north-1.amazonaws.com.cn",
			"iam.cn-north-1.amazonaws.com.cn", "cn-north-1");
	expect_endpoint("us-gov-east-1", &aws_service_sts, "https://sts.us-gov-east-1.amazonaws.com",
			"sts.us-gov-east-1.amazonaws.com", "us-gov-east-1");
}

static void test_endpoints_of_ones_own(void **state)
{
	(void)state;
	write_file("config",
		   "[default]\nendpoint_url = http://profile:1\nservices = s\n[services s]\ncloudwatch_logs =\n"
		   "  endpoint_url = http://logs:2/base/\n");
	expect_endpoint("eu-west-1", &aws_service_ec2, "http://profile:1", "profile:1", "eu-west-1");
	expect_endpoint("eu-west-1", &aws_service_logs, "http://logs:2", "logs:2", "eu-west-1");
	setenv("AWS_ENDPOINT_URL", "http://all:80", 1);
	expect_endpoint("eu-west-1", &aws_service_logs, "http://all:80", "all", "eu-west-1");
	setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "https://one:443", 1);
	expect_endpoint("eu-west-1", &aws_service_logs, "https://one:443", "one", "eu-west-1");
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	expect_endpoint("eu-west-1", &aws_service_ec2, "https://ec2.eu-west-1.amazonaws.com",
			"ec2.eu-west-1.amazonaws.com", "eu-west-1");
}

static void expect_refused(const char *words)
{
	struct aws_config config = {.region = "eu-west-1"};
	struct aws_options o;
	struct error err = {0};

	assert_int_equal(aws_options_load(&config, &o, &err), -EINVAL);
	assert_non_null(strstr(err.message, words));
}

static void test_bad_endpoints(void **state)
{
	static const char *const bad[] = {"localhost:5000", "ftp://x",	      "http://",       "http://user@x",
					  "http:///x",	    "https://a b",    "http://a\r\nb", "http://a\n",
					  "\thttp://a",	    "http://\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		setenv("AWS_ENDPOINT_URL", bad[i], 1);
		expect_refused("AWS_ENDPOINT_URL is not an http or https URL");
	}
	setenv("AWS_ENDPOINT_URL_ECR", "http://a\n", 1);
	setenv("AWS_ENDPOINT_URL", "http://good", 1);
	expect_refused("AWS_ENDPOINT_URL_ECR is not an http or https URL: it contains a control character");
	unsetenv("AWS_ENDPOINT_URL_ECR");
	unsetenv("AWS_ENDPOINT_URL");
	setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
	setenv("AWS_ENDPOINT_URL", "http://good", 1);
	expect_endpoint("eu-west-1", &aws_service_iam, "http://good", "good", "eu-west-1"); /* takes precedence */
	clearenv();
	setenv("HOME", dir, 1);
	write_file("config", "[default]\nservices = nowhere\n");
	expect_refused("profile default refers to [services nowhere], which");
	setenv("AWS_STS_REGIONAL_ENDPOINTS", "global", 1);
	expect_refused("AWS_STS_REGIONAL_ENDPOINTS (sts_regional_endpoints) is 'global'; valid values are legacy and "
		       "regional");
}

static void test_variants_of_endpoints(void **state)
{
	(void)state;
	setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
	expect_endpoint("us-east-1", &aws_service_ecr, "https://api.ecr-fips.us-east-1.amazonaws.com",
			"api.ecr-fips.us-east-1.amazonaws.com", "us-east-1");
	unsetenv("AWS_USE_FIPS_ENDPOINT");
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
	expect_endpoint("us-east-1", &aws_service_efs, "https://efs.us-east-1.api.aws", "efs.us-east-1.api.aws",
			"us-east-1");
	unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
	expect_endpoint("us-iso-east-1", &aws_service_ecs, "https://ecs.us-iso-east-1.c2s.ic.gov",
			"ecs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1");
	setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy", 1);
	expect_endpoint("eu-west-1", &aws_service_sts, "https://sts.amazonaws.com", "sts.amazonaws.com", "us-east-1");
	expect_endpoint("il-central-1", &aws_service_sts, "https://sts.il-central-1.amazonaws.com",
			"sts.il-central-1.amazonaws.com", "il-central-1");
}

static void test_bad_regions(void **state)
{
	static const char *const bad[] = {"", "eu west", "eu-west-1.evil.com/", "EU",
					  "abcdefghijklmnopqrstuvwxyz-abcdef-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct aws_options o = {.region = (char *)(uintptr_t)bad[i]};
		struct aws_endpoint e;

		assert_int_equal(aws_endpoint_find(&o, &aws_service_sts, NULL, &e, NULL), -EINVAL);
	}
}

/* As AWS's SDKs: a region of no known partition belongs to the first one. */
static void test_partitions(void **state)
{
	static const struct {
		const char *region, *partition;
	} cases[] = {
		{"eu-west-1", "aws"},
		{"us-gov-east-1", "aws-us-gov"},
		{"cn-north-1", "aws-cn"},
		{"us-iso-east-1", "aws-iso"},
		{"us-isob-east-1", "aws-iso-b"},
		{"mars-west-1", "aws"},
		{"us-gov-east", "aws"},
		{"cn-north-1a", "aws"},
		{"cn--1", "aws"},
		{"cn-north", "aws"},
		{"cn-north-", "aws"},
		{"", "aws"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(aws_partition_of(cases[i].region)->name, cases[i].partition);
}

#define AT_HOME(f) cmocka_unit_test_setup_teardown(f, fresh_home, remove_home)

/* What a search without memory must not become: another source, or the message that there is none. */
static const struct {
	const char *variable, *value, *config, *shared, *profile;
} searches[] = {
	{"AWS_ACCESS_KEY_ID", "ENV", "", "", NULL},
	{"AWS_CREDENTIAL_EXPIRATION", "2030-01-01T00:00:00Z", "",
	 "[default]\naws_access_key_id=A\naws_secret_access_key=s\n", NULL},
	{"AWS_CONFIG_FILE", "~/.aws/config",
	 "[profile 'a b']\nrole_arn=arn:aws:iam::1:role/r\nsource_profile=c\nexternal_id=xy\nduration_seconds=900\n"
	 "role_session_name=n1\n[profile c]\naws_access_key_id=A\n",
	 "[c]\naws_secret_access_key=s\naws_access_key_id=B\n", "a b"},
	{"AWS_CONFIG_FILE", "$HOME/.aws/config",
	 "[DEFAULT]\nregion=x\n[default]\nsso_session=w\nsso_account_id=1\nsso_role_name=r\ns3=\n  a=b\n  c=d\n"
	 "[sso-session w]\nsso_region=eu-west-1\nsso_start_url=https://x\n[services y]\nec2=\n  "
	 "endpoint_url=http://z\n",
	 "", NULL},
	{"AWS_PROFILE", "p", "[profile p]\ncredential_process = /bin/a 'b c' \"d\\\"\"\n", "", NULL},
	{"AWS_PROFILE", "w", "[profile w]\nrole_arn=arn:aws:iam::1:role/r\nweb_identity_token_file=/token\n", "", NULL},
	{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", "", "", NULL},
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x", "", "", NULL},
	{"AWS_EC2_METADATA_DISABLED", "false", "", "", NULL},
};

/* The sources that follow each other, as text. */
static void describe(const struct credential_source *s, char *out, size_t size)
{
	size_t n = 0;

	for (*out = '\0'; s; s = s->source)
		n += (size_t)snprintf(out + n, size - n, "%d %s %s %s %s %s %s %lld;", s->kind, s->label,
				      s->key_id ? s->key_id : s->url, s->role_arn, s->external_id, s->token_file,
				      s->process ? s->process[1] : s->start_url, (long long)s->expires_ms);
}

static void search_without_memory(const void *row)
{
	const __typeof__(*searches) *c = row;
	struct credential_source *s = NULL;
	static char right[1000];
	struct error err = {0};
	char found[1000];
	int r = find(c->profile, &s, &err);

	failing_pause(true);
	describe(s, found, sizeof(found));
	if (!failing_happened())
		memcpy(right, found, sizeof(right));
	if (r == 0)
		assert_string_equal(found, right);
	else if (r != -ENOMEM || !failing_happened())
		fail_msg("%s=%s: %d, %s", c->variable, c->value, r, err.message);
	credential_source_free(s);
}

static void load_without_memory(const void *row)
{
	const __typeof__(*searches) *c = row;
	struct aws_config config = {.region = "fips-us-east-1", .profile = c->profile};
	struct aws_options o;
	struct error err = {0};
	int r = aws_options_load(&config, &o, &err);

	if (r == 0) {
		assert_string_equal(o.region, "us-east-1");
		assert_int_equal(o.variant, AWS_ENDPOINT_FIPS);
		assert_string_equal(o.ca_file, "/ca");
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o.endpoints, "ec2")), "http://z");
	} else if (r != -ENOMEM || !failing_happened()) {
		fail_msg("%d, %s", r, err.message);
	}
	aws_options_free(&o);
}

static void region_without_memory(const void *arg _unused_)
{
	const char *source;
	char *region = aws_default_region("c", &source);

	if (region)
		assert_string_equal(region, "eu-north-1");
	else
		assert_true(failing_happened());
	free(region);
}

static void test_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(searches); i++) {
		write_file("config", searches[i].config);
		write_file("credentials", searches[i].shared);
		setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
		setenv("AWS_SESSION_TOKEN", "t", 1);
		setenv(searches[i].variable, searches[i].value, 1);
		assert_true(failing_each(search_without_memory, &searches[i]) > 5);
		unsetenv(searches[i].variable);
	}
	setenv("AWS_ENDPOINT_URL_EC2", "http://z", 1);
	setenv("AWS_CA_BUNDLE", "/ca", 1);
	assert_true(failing_each(load_without_memory, &searches[2]) > 5);
	write_file("config", "[profile c]\nregion = eu-north-1\n");
	assert_true(failing_each(region_without_memory, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_HOME(test_order_of_sources),	   AT_HOME(test_what_cannot_be_used_is_named),
		AT_HOME(test_long_tokens),	   AT_HOME(test_variants_of_endpoints),
		AT_HOME(test_endpoints_of_aws),	   AT_HOME(test_endpoints_of_ones_own),
		AT_HOME(test_bad_endpoints),	   AT_HOME(test_bad_regions),
		AT_HOME(test_files_that_are_none), AT_HOME(test_characters_that_no_header_may_have),
		AT_HOME(test_without_memory),	   AT_HOME(test_partitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
