/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/settings.h"

#include "stack/checks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST	     "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POLICY(name) "arn:aws:iam::aws:policy/" name
#define POLICIES_10                                                                                                 \
	POLICY("a")                                                                                                 \
	"," POLICY("b") "," POLICY("c") "," POLICY("d") "," POLICY("e") "," POLICY("f") "," POLICY("g") "," POLICY( \
		"h") "," POLICY("i") "," POLICY("j")
#define COMPLETE "aws_region=eu-central-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=10.0.1.0/27\n"

static struct settings *parse(const char *text)
{
	struct error err = {0};
	struct settings *s = NULL;
	int r = settings_parse(text, strlen(text), &s, &err);

	if (r < 0)
		print_error("%s: %s\n", text, err.message);
	assert_int_equal(r, 0);
	return s;
}

static void test_a_default_region(void **state)
{
	static const struct {
		const char *set, *given, *in_force;
	} rows[] = {
		{"", "eu-west-1", "eu-west-1"},
		{"aws_region=us-east-1\n", "eu-west-1", "us-east-1"},
		{"", NULL, ""},
		{"", "", ""},
		{"", "nowhere", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[200];
		struct settings *s, *again;
		_buf_ struct buf printed = BUF_INIT(4096);

		snprintf(text, sizeof(text), "%svpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\n", rows[i].set);
		s = parse(text);
		assert_int_equal(settings_set_default_region(s, rows[i].given, "AWS_REGION"), 0);
		assert_string_equal(settings_get(s, SETTING_AWS_REGION), rows[i].in_force);
		assert_int_equal(settings_check_complete(s, NULL), *rows[i].in_force ? 0 : -EINVAL);
		assert_int_equal(settings_print(s, &printed), 0);
		again = parse(buf_str(&printed));
		assert_string_equal(settings_get(again, SETTING_AWS_REGION), rows[i].in_force);
		settings_unref(again);
		settings_unref(s);
	}
}

static void test_a_default_region_that_is_none(void **state)
{
	struct settings *s = parse("vpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\n");
	struct settings *set = parse("aws_region=us-east-1\nvpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\n");
	struct error err = {0};

	(void)state;
	assert_int_equal(settings_check_region(s, &err), 0);
	assert_int_equal(settings_set_default_region(s, "eu-west-1a", "AWS_REGION"), 0);
	assert_int_equal(settings_check_region(s, &err), -EINVAL);
	assert_non_null(strstr(err.message, "AWS_REGION cannot be used: eu-west-1a is an availability zone"));
	assert_int_equal(settings_check_complete(s, &err), -EINVAL);
	assert_non_null(strstr(err.message, "AWS_REGION"));
	assert_int_equal(settings_set_default_region(set, "eu-west-1a", "AWS_REGION"), 0);
	assert_int_equal(settings_check_region(set, NULL), 0);
	settings_unref(set);
	settings_unref(s);
}

static void test_values_of_a_line(void **state)
{
	static const struct {
		const char *line;
		enum setting key;
		const char *value;
	} rows[] = {
		{"vpc_id=vpc-12345678", SETTING_VPC_ID, "vpc-12345678"},
		{"  vpc_id =\tvpc-12345678 \t", SETTING_VPC_ID, "vpc-12345678"},
		{"export vpc_id=vpc-12345678", SETTING_VPC_ID, "vpc-12345678"},
		{" export\t vpc_id = 'vpc-12345678'", SETTING_VPC_ID, "vpc-12345678"},
		{"vpc_id=\"vpc-12345678\" # mine", SETTING_VPC_ID, "vpc-12345678"},
		{"vpc_id=vpc-12345678 # mine", SETTING_VPC_ID, "vpc-12345678"},
		{"vpc_id=vpc-12345678\t#mine", SETTING_VPC_ID, "vpc-12345678"},
		{"vast_command=vast start#1", SETTING_VAST_COMMAND, "vast start#1"},
		{"vast_command=vast start #1", SETTING_VAST_COMMAND, "vast start"},
		{"vast_command='vast start #1'", SETTING_VAST_COMMAND, "vast start #1"},
		{"import_command=#!odd", SETTING_IMPORT_COMMAND, "#!odd"},
		{"vast_command=a=\"b\" c='d' x", SETTING_VAST_COMMAND, "a=\"b\" c='d' x"},
		{"vast_command='say \"$HOME\" `x` \\n'", SETTING_VAST_COMMAND, "say \"$HOME\" `x` \\n"},
		{"vast_command=' padded '", SETTING_VAST_COMMAND, " padded "},
		{"vast_command=gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", SETTING_VAST_COMMAND,
		 "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
		{"vast_port=1", SETTING_VAST_PORT, "1"},
		{"vast_port=", SETTING_VAST_PORT, "42000"},
		{"vast_port= # later", SETTING_VAST_PORT, "42000"},
		{"vast_port=''", SETTING_VAST_PORT, "42000"},
		{"", SETTING_STAGE, "default"},
		{" \t", SETTING_STAGE, "default"},
		{"#stage=x", SETTING_STAGE, "default"},
		{"  # stage=x", SETTING_STAGE, "default"},
		{"", SETTING_AWS_PROFILE, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(settings_unref_cleanup) struct settings *s = parse(rows[i].line);

		assert_int_equal(settings_check_line(rows[i].line, strlen(rows[i].line), 1, NULL), 0);
		assert_string_equal(settings_get(s, rows[i].key), rows[i].value);
	}
}

static void test_good_values(void **state)
{
	static const char *const good[] = {
		"aws_region=us-gov-west-1",
		"aws_region=eusc-de-east-1",
		"vpc_id=vpc-0123456789abcdef0",
		"subnet_cidr=10.0.0.0/16",
		"subnet_cidr=172.31.255.224/27",
		"stage=a",
		"stage=0-1-b",
		"stage=abcdefghijklmnopqrstuvwxyz012345",
		"vast_image=alpine",
		"vast_image=tenzir/vast:v4.0.0-rc1",
		"vast_image=ghcr.io/tenzir/tenzir-de" DIGEST,
		"vast_image=[::1]:5000/x",
		"vast_image=210987654321.dkr.ecr-fips.us-east-1.amazonaws.com/a",
		"vast_image=localhost:5000/a/b__c/d---e:x" DIGEST,
		"vast_image=123456789012.dkr.ecr.eu-central-1.amazonaws.com/vast-default:latest",
		"import_command=tenzir \"from stdin\"",
		"vast_port=65535",
		"vast_storage=ephemeral",
		"vast_data_dir=/var/lib/tenzir",
		"vast_data_dir=/data",
		"vast_data_dir=/..data",
		"server_cpu=16384",
		"server_memory=122880",
		"lambda_memory=10240",
		"lambda_memory=128",
		"lambda_timeout=1",
		"lambda_timeout=900",
		"lambda_tmp_size=512",
		"lambda_tmp_size=10240",
		"server_disk_size=21",
		"server_disk_size=200",
		"server_disk_size=",
		"server_restart=always",
		"server_restart=never",
		"server_start_timeout=1",
		"server_start_timeout=3600",
		"server_environment=A=1",
		"server_environment = TENZIR_A=1, _b2=x=y , C=",
		"server_environment='A=two words'",
		"architecture=arm64",
		"aws_profile=my team",
		"role_policies=arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
		"role_policies=arn:aws-us-gov:iam::aws:policy/service-role/X_+=.@-",
		"role_policies=arn:aws-cn:iam::123456789012:policy/a/b/c,arn:aws-cn:iam::aws:policy/d",
		"role_policies=" POLICIES_10,
		"history_keep=0",
		"history_keep=100",
		"history_limit=0",
		"import_spool_limit=1",
		"import_spool_limit=1024",
		"import_ordered=yes",
		"import_ordered=no",
		"history_limit=1024",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error err = {0};

		if (settings_check_line(good[i], strlen(good[i]), 1, &err) < 0)
			fail_msg("%s: %s", good[i], err.message);
	}
}

/* Each line is refused at the given column (counted from 1), with a message that contains the text. */
static void test_bad_lines(void **state)
{
	static const struct {
		const char *line;
		unsigned column;
		const char *words;
	} bad[] = {
		{"vpc_id", 7, "no = after vpc_id"},
		{"vpc_id vpc-12345678", 8, "no = after vpc_id"},
		{"=x", 1, "key=value"},
		{"export", 1, "unknown setting export"},
		{"export =x", 8, "key=value"},
		{"- vpc_id=x", 1, "key=value"},
		{"vcp_id=vpc-12345678", 1, "the nearest is vpc_id"},
		{"AWS_REGION=eu-central-1", 1, "the nearest is aws_region"},
		{"  export lambda_mem=1024", 10, "the nearest is lambda_memory"},
		{"vpc_id_and_a_key_that_is_much_longer_than_any_known_one=1", 1, "unknown setting"},
		{"vpc_id='vpc-12345678", 8, "not closed"},
		{"vpc_id=\"", 8, "not closed"},
		{"vpc_id='vpc-12345678\"", 8, "not closed"},
		{"vpc_id='vpc-12345678'x", 22, "after the closing quote"},
		{"vpc_id='vpc-12345678' x", 23, "after the closing quote"},
		{"vpc_id='vpc-12345678'#x", 22, "after the closing quote"},
		{"stage=a\rb", 8, "carriage return within the line"},
		{"\r\r", 1, "carriage return within the line"},
		{"\xef\xbb\xbfstage=a", 1, ""}, /* allowed only before the first line */
		{"stage=\xff", 7, "not UTF-8 (0xff)"},
		{"# \xc3", 3, "not UTF-8"},
		{"# \xc0\x80", 3, "not UTF-8"},
		{"# \xe0\x80\x80", 3, "not UTF-8"},
		{"# \xf0\x80\x80\x80", 3, "not UTF-8"},
		{"# \xed\xa0\x80", 3, "not UTF-8"},
		{"# \xf4\x90\x80\x80", 3, "not UTF-8"},
		{"stage=a\033[0m", 8, "control character (0x1b)"},
		{"stage=a\177", 8, "control character (0x7f)"},
		{"stage=a\nstage=b", 8, "control character (0x0a)"},
		{"aws_region=frankfurt", 12, "aws_region: frankfurt is not the name of a region"},
		{"aws_region=us-east-1a", 12, "its region is us-east-1"},
		{"aws_region = US-EAST-1", 14, "not the name"},
		{"vpc_id=subnet-12345678", 8, "not a VPC ID"},
		{"vpc_id=vpc-123456789", 8, "not a VPC ID"},
		{"vpc_id=vpc-1234567g", 8, "not a VPC ID"},
		{"subnet_cidr=10.0.0.0/28", 13, "at least a /27"},
		{"subnet_cidr=10.0.0.0/15", 13, "/16"},
		{"subnet_cidr=10.0.0.1/27", 13, "10.0.0.0/27"},
		{"subnet_cidr=\"10.0.0\"", 14, "not a block"},
		{"stage=Prod", 7, "lower-case letters"},
		{"stage=a--b", 7, "lower-case letters"},
		{"stage=-a", 7, "lower-case letters"},
		{"stage=a-", 7, "lower-case letters"},
		{"stage=a_b", 7, "lower-case letters"},
		{"stage=abcdefghijklmnopqrstuvwxyz0123456", 7, "at most 32"},
		{"vast_image=https://docker.io/tenzir/vast", 12, "has no https://"},
		{"vast_image=Tenzir/vast:", 12, "not a valid image name"},
		{"vast_image=tenzir/Vast", 12, "not a valid image name"},
		{"vast_image=Tenzir/vast", 12, "has capital letters"},
		{"vast_image=tenzir//vast", 12, "not a valid image name"},
		{"vast_image=tenzir/vast:", 12, "not a valid image name"},
		{"vast_image=tenzir/vast@sha256:abc", 12, "not a valid image name"},
		{"vast_image=tenzir/vast latest", 12, "not a valid image name"},
		{"vast_command=exec vast start", 14, "the leading exec must be left out"},
		{"vast_command = cd /var && vast start", 16, "vast_command: 'cd' is built into the shell"},
		{"vast_command=\"vast start; sync\"", 25, "vast_command: ';' joins commands"},
		{"vast_command=vast {{resolve:ssm:x}}", 14, "CloudFormation"},
		{"vast_port=0", 11, "not between 1 and 65535"},
		{"vast_port=65536", 11, "not between"},
		{"vast_port=+1", 11, "not a whole number"},
		{"vast_port=0x10", 11, "not a whole number"},
		{"vast_port=08", 11, "not a whole number"},
		{"vast_port=42000/tcp", 11, "not a whole number"},
		{"vast_port=99999999999999999999", 11, "not a whole number"},
		{"vast_storage=EFS", 14, "neither efs nor ephemeral"},
		{"vast_data_dir=var/lib", 15, "not an absolute path"},
		{"vast_data_dir=/", 15, "not an absolute path"},
		{"vast_data_dir=/data/", 15, "not an absolute path"},
		{"vast_data_dir=/da ta", 15, "not an absolute path"},
		{"vast_data_dir=/data/../etc", 15, "contains . or .. as a component"},
		{"vast_data_dir=/data/.", 15, "contains . or .. as a component"},
		{"vast_data_dir=/usr", 15, "cannot be mounted over /usr"},
		{"server_cpu=2000", 12, "256 512 1024 2048 4096 8192 16384"},
		{"server_cpu=2 vCPU", 12, "not a CPU size"},
		{"server_memory=511", 15, "not between 512"},
		{"server_memory=4GB", 15, "not a whole number"},
		{"lambda_memory=127", 15, "not between 128 and 10240"},
		{"lambda_timeout=901", 16, "not between 1 and 900"},
		{"lambda_timeout=-1", 16, "not a whole number"},
		{"lambda_tmp_size=511", 17, "not between 512 and 10240"},
		{"server_disk_size=20", 18, "not between 21 and 200"},
		{"server_disk_size=201", 18, "not between 21 and 200"},
		{"server_restart=yes", 16, "neither always nor never"},
		{"server_start_timeout=0", 22, "not between 1 and 3600"},
		{"server_environment=A", 20, "\"A\" is not NAME=value"},
		{"server_environment=A=1,A=2", 20, "A is set twice"},
		{"architecture=amd64", 14, "neither x86_64 nor arm64"},
		{"aws_profile=[default]", 13, "not the name of a profile"},
		{"role_policies=AmazonS3ReadOnlyAccess", 15, "not the ARN of a managed policy like"},
		{"role_policies=arn:aws:iam::aws:role/x", 15, "not the ARN"},
		{"role_policies=arn:gcp:iam::aws:policy/x", 15, "not the ARN"},
		{"role_policies=arn:aws:iam:eu-central-1:aws:policy/x", 15, "not the ARN"},
		{"role_policies=arn:aws:iam::12345678901:policy/x", 15, "not the ARN"},
		{"role_policies=arn:aws:iam::aws:policy/", 15, "not the ARN"},
		{"role_policies=arn:aws:iam::aws:policy/x/", 15, "not the ARN"},
		{"role_policies=arn:aws:iam::aws:policy/a,arn:aws:iam::aws:policy/a", 15, "listed twice"},
		{"role_policies=arn:aws:iam::aws:policy/a,", 15, "empty entry"},
		{"role_policies=,arn:aws:iam::aws:policy/a", 15, "empty entry"},
		{"role_policies=arn:aws:iam::aws:policy/a, arn:aws:iam::aws:policy/b", 15, "by a comma alone"},
		{"role_policies=arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy", 15,
		 "service-linked"},
		{"history_keep=101", 14, "not between 0 and 100"},
		{"history_keep=-1", 14, "not a whole number"},
		{"import_spool_limit=0", 20, "not between 1 and 1024"},
		{"import_ordered=true", 16, "neither yes nor no"},
		{"history_limit=1025", 15, "not between 0 and 1024"},
		{"history_limit=1GB", 15, "not a whole number"},
		{"role_policies=" POLICIES_10 ",arn:aws:iam::aws:policy/k", 15, "more than 10 policies"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {0};
		char place[48];

		snprintf(place, sizeof(place), "line 7, column %u: ", bad[i].column);
		assert_int_equal(settings_check_line(bad[i].line, strlen(bad[i].line), 7, &err), -EINVAL);
		if (strncmp(err.message, place, strlen(place)) != 0 || !strstr(err.message, bad[i].words))
			fail_msg("%s: \"%s\" lacks \"%s\" or \"%s\"", bad[i].line, err.message, place, bad[i].words);
		assert_int_equal(settings_check_line(bad[i].line, strlen(bad[i].line), 7, NULL), -EINVAL);
	}
}

/* The marks that editors on Windows add are accepted. */
static void test_marks_of_windows(void **state)
{
	static const char text[] = "\xef\xbb\xbfstage=a\r\n\r\n# comment\r\nserver_cpu='1024'\r\n";
	struct settings *s;

	(void)state;
	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), 0);
	assert_string_equal(settings_get(s, SETTING_STAGE), "a");
	assert_string_equal(settings_get(s, SETTING_SERVER_CPU), "1024");
	settings_unref(s);
}

static void test_nul_is_refused(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(settings_check_line("stage=a\0b", 9, 1, &err), -EINVAL);
	assert_non_null(strstr(err.message, "column 8: a control character (0x00)"));
}

static void test_last_line_wins_and_needs_no_newline(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = parse("stage=a\n\nvast_port=1\nvast_port=\nstage=b");

	(void)state;
	assert_string_equal(settings_get(s, SETTING_STAGE), "b");
	assert_int_equal(s->vast_port, 42000);
}

static void test_numbers_follow_the_values(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *s =
		parse("subnet_cidr=10.0.1.0/26\nvast_storage=ephemeral\nserver_cpu=4096\nserver_memory=8192\n"
		      "lambda_memory=512\nlambda_timeout=7\nvast_port=5158\nserver_disk_size=30\n"
		      "server_restart=never\nserver_start_timeout=60\nlambda_tmp_size=1024\n");
	_cleanup_(settings_unref_cleanup) struct settings *defaults = parse("");

	(void)state;
	assert_int_equal(s->subnet.address, 10U << 24 | 1 << 8);
	assert_int_equal(s->subnet.prefix, 26);
	assert_false(s->efs);
	assert_int_equal(s->server_cpu, 4096);
	assert_int_equal(s->server_memory, 8192);
	assert_int_equal(s->lambda_memory, 512);
	assert_int_equal(s->lambda_timeout, 7);
	assert_int_equal(s->server_disk_size, 30);
	assert_int_equal(defaults->server_disk_size, 0);
	assert_false(s->server_restart);
	assert_int_equal(defaults->import_spool_limit, 1);
	assert_false(defaults->import_ordered);
	assert_true(defaults->server_restart);
	assert_int_equal(s->server_start_timeout, 60);
	assert_int_equal(defaults->server_start_timeout, 300);
	assert_int_equal(s->lambda_tmp_size, 1024);
	assert_int_equal(s->vast_port, 5158);
	assert_int_equal(defaults->subnet.prefix, 0);
	assert_true(defaults->efs);
	assert_int_equal(defaults->server_memory, 4096);
}

static void test_bad_file_names_the_line(void **state)
{
	struct settings *s = NULL;
	struct error err = {0};
	const char *text = "# fine\n\nstage=a\nstag=b\n";

	(void)state;
	assert_int_equal(settings_parse(text, strlen(text), &s, &err), -EINVAL);
	assert_null(s);
	assert_non_null(strstr(err.message, "line 4, column 1: unknown setting stag, the nearest is stage"));
	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), -EINVAL);
}

static void test_size_is_bounded(void **state)
{
	_free_ char *text = malloc(SETTINGS_MAX + 1);
	struct settings *s = NULL;
	struct error err = {0};

	(void)state;
	assert_non_null(text);
	memset(text, '\n', SETTINGS_MAX + 1);
	assert_int_equal(settings_parse(text, SETTINGS_MAX + 1, &s, &err), -EFBIG);
	assert_int_equal(settings_parse(text, SETTINGS_MAX, &s, &err), 0);
	settings_unref(s);
	memset(text, 'x', SETTINGS_MAX);
	memcpy(text, "vast_command=", 13);
	assert_int_equal(settings_check_line(text, 13 + COMMAND_MAX - 5, 1, &err), 0);
	assert_int_equal(settings_check_line(text, 13 + COMMAND_MAX - 4, 1, &err), -EINVAL);
	assert_non_null(strstr(err.message, "4091"));
	assert_int_equal(settings_check_line(text, SETTINGS_MAX, 1, &err), -EINVAL);
	assert_non_null(strstr(err.message, "4096"));
}

static void test_complete(void **state)
{
	static const struct {
		const char *text, *words; /* NULL: complete */
	} rows[] = {
		{COMPLETE, NULL},
		{"", "aws_region, vpc_id, subnet_cidr"},
		{"aws_region=eu-central-1\nsubnet_cidr=10.0.1.0/27", ": vpc_id"},
		{COMPLETE "vpc_id=", ": vpc_id"},
		{COMPLETE "server_cpu=256\n", "512, or 1024 to 2048 in steps of 1024"},
		{COMPLETE "server_cpu=256\nserver_memory=512", NULL},
		{COMPLETE "server_cpu=256\nserver_memory=1536", "with server_cpu 256"},
		{COMPLETE "server_cpu=512\nserver_memory=4096", NULL},
		{COMPLETE "server_cpu=1024\nserver_memory=9216", "2048 to 8192"},
		{COMPLETE "server_memory=16384", NULL},
		{COMPLETE "server_memory=2048", "4096 to 16384"},
		{COMPLETE "server_cpu=8192\nserver_memory=20480", NULL},
		{COMPLETE "server_cpu=8192\nserver_memory=21504", "steps of 4096"},
		{COMPLETE "server_cpu=16384\nserver_memory=122880", NULL},
		{COMPLETE "server_cpu=16384\nserver_memory=36864", "steps of 8192"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(settings_unref_cleanup) struct settings *s = parse(rows[i].text);
		struct error err = {0};

		assert_int_equal(settings_check_complete(s, &err), rows[i].words ? -EINVAL : 0);
		if (rows[i].words && !strstr(err.message, rows[i].words))
			fail_msg("%s: %s", rows[i].text, err.message);
	}
}

/* The hash that version 0.1 wrote into its journal for these settings. */
static void test_hash_of_the_first_version(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *a =
		parse("aws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=172.31.48.0/24\n");
	_cleanup_(settings_unref_cleanup) struct settings *b =
		parse("export aws_region='eu-west-1' # x\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=172.31.48.0/24\n"
		      "vast_port=42000\nserver_start_timeout=100\n");
	_cleanup_(settings_unref_cleanup) struct settings *c = parse("vast_port=42001");
	char hash[SETTINGS_HASH_SIZE];

	(void)state;
	assert_string_equal(settings_hash_first(a, hash), "3ac885e1916dfa47");
	assert_string_equal(settings_hash_first(b, hash), "3ac885e1916dfa47");
	assert_string_not_equal(settings_hash_first(c, hash), "3ac885e1916dfa47");
}

static void test_what_is_printed_reads_back(void **state)
{
	static const char *const texts[] = {
		"",
		"stage=x\naws_region=eu-west-1\naws_profile=two words\n",
		"import_command='a b' \n",
		"import_command=\"it's # one\"\n",
		"import_command='say \"x\" # y'\n",
		"import_command='#x'\n",
		"import_command=x#y 'z' \"a\"\n",
		"import_command=' x '\n",
		"aws_profile=\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(settings_unref_cleanup) struct settings *before = parse(texts[i]), *after = NULL;
		_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);

		assert_int_equal(settings_print(before, &text), 0);
		after = parse(buf_str(&text));
		for (enum setting key = 0; key < SETTING_COUNT; key++)
			assert_string_equal(settings_get(before, key), settings_get(after, key));
	}
}

static void test_stack_name(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = parse("stage=abcdefghijklmnopqrstuvwxyz012345");
	char name[SETTINGS_STACK_SIZE];

	(void)state;
	assert_string_equal(settings_stack_name(s, name), "vast-abcdefghijklmnopqrstuvwxyz012345");
}

static void test_defaults_pass_their_own_checks_and_the_example_parses(void **state)
{
	_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);

	(void)state;
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting_rule *rule = setting_rule((enum setting)i);

		assert_non_null(rule->key);
		assert_non_null(rule->help);
		if (rule->fallback)
			assert_int_equal(rule->check(rule->fallback, NULL), 0);
	}
	assert_int_equal(settings_write_example(&text), 0);
	settings_unref(parse(buf_str(&text)));
	for (char *p = text.data; (p = strstr(p, "\n#")); p++)
		if (p[2] != ' ')
			p[1] = ' '; /* uncomment the defaults */
	settings_unref(parse(buf_str(&text)));
}

static void test_references(void **state)
{
	struct settings *s = parse("stage=a");

	(void)state;
	assert_ptr_equal(settings_ref(s), s);
	settings_unref(s);
	assert_string_equal(settings_get(s, SETTING_STAGE), "a");
	settings_unref(s);
	settings_unref(settings_ref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_a_line),
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_nul_is_refused),
		cmocka_unit_test(test_marks_of_windows),
		cmocka_unit_test(test_last_line_wins_and_needs_no_newline),
		cmocka_unit_test(test_numbers_follow_the_values),
		cmocka_unit_test(test_bad_file_names_the_line),
		cmocka_unit_test(test_size_is_bounded),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_hash_of_the_first_version),
		cmocka_unit_test(test_what_is_printed_reads_back),
		cmocka_unit_test(test_stack_name),
		cmocka_unit_test(test_defaults_pass_their_own_checks_and_the_example_parses),
		cmocka_unit_test(test_a_default_region),
		cmocka_unit_test(test_a_default_region_that_is_none),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
