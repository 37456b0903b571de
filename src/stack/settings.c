/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/settings.h"

#include "base/utf8.h"

#include "stack/checks.h"
#include "stack/command_line.h"
#include "stack/environment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define KEY_MAX 40

static const struct setting_rule rules[SETTING_COUNT] = {
	[SETTING_AWS_REGION] =
		{"aws_region", NULL, true, check_region,
		 "region to deploy to, like eu-central-1; not set: AWS_REGION, AWS_DEFAULT_REGION, or the profile's"},
	[SETTING_VPC_ID] = {"vpc_id", NULL, true, check_vpc_id, "existing VPC with an Internet gateway attached"},
	[SETTING_SUBNET_CIDR] = {"subnet_cidr", NULL, true, check_subnet_cidr,
				 "free addresses of that VPC for the stack's two subnets, /27 or larger"},
	[SETTING_STAGE] = {"stage", "default", false, check_stage, "names the stack vast-<stage>"},
	[SETTING_VAST_IMAGE] = {"vast_image", "tenzir/vast:latest", false, check_image,
				"image of server and Lambda function"},
	[SETTING_VAST_COMMAND] = {"vast_command", "vast -e 0.0.0.0:42000 start", false, check_server_command,
				  "command that starts the server, as one program; no secrets, AWS shows it to all who "
				  "may read the stack",
				  command_line_fault},
	[SETTING_VAST_PORT] = {"vast_port", "42000", false, check_port, "TCP port that the server listens on"},
	[SETTING_VAST_STORAGE] = {"vast_storage", "efs", false, check_storage,
				  "efs (survives tasks and stack) or ephemeral (deleted with the task)"},
	[SETTING_VAST_DATA_DIR] = {"vast_data_dir", "/var/lib/vast", false, check_data_dir,
				   "directory of the storage in the server's container"},
	[SETTING_IMPORT_COMMAND] = {"import_command", "vast import --blocking $format", false, check_import_command,
				    "command that import/<format> runs in Lambda; reads events from standard input"},
	[SETTING_IMPORT_SPOOL_LIMIT] = {"import_spool_limit", "1", false, check_import_spool_limit,
					"disk space for events that wait to be delivered, 1 to 1024 GB"},
	[SETTING_IMPORT_ORDERED] = {"import_ordered", "no", false, check_import_ordered,
				    "yes: the batches of an import are delivered one after the other; no: in parallel"},
	[SETTING_SERVER_CPU] = {"server_cpu", "2048", false, check_server_cpu, "server's CPU units, 1024 per vCPU"},
	[SETTING_SERVER_MEMORY] = {"server_memory", "4096", false, check_server_memory, "server's memory in MiB"},
	[SETTING_SERVER_DISK_SIZE] = {"server_disk_size", NULL, false, check_server_disk_size,
				      "disk of the server's task, 21 to 200 GiB; not set: 20 GiB, Fargate's default"},
	[SETTING_SERVER_ENVIRONMENT] =
		{"server_environment", NULL, false, environment_check,
		 "NAME=value pairs for the server, comma-separated; no secrets, AWS shows them like vast_command"},
	[SETTING_SERVER_RESTART] = {"server_restart", "always", false, check_server_restart,
				    "always (ECS replaces a server that crashed or was retired) or never"},
	[SETTING_SERVER_START_TIMEOUT] = {"server_start_timeout", "300", false, check_server_start_timeout,
					  "time limit for a new server to accept connections, 1 to 3600 s"},
	[SETTING_LAMBDA_MEMORY] = {"lambda_memory", "2048", false, check_lambda_memory,
				   "Lambda function's memory, 128 to 10240 MB"},
	[SETTING_LAMBDA_TIMEOUT] = {"lambda_timeout", "300", false, check_lambda_timeout,
				    "time limit of a query, 1 to 900 s"},
	[SETTING_LAMBDA_TMP_SIZE] = {"lambda_tmp_size", "512", false, check_lambda_tmp_size,
				     "Lambda function's /tmp, 512 to 10240 MB"},
	[SETTING_LAMBDA_RESULT_LIMIT] = {"lambda_result_limit", "200", false, check_lambda_result_limit,
					 "maximum output of a query or command, 1 to 10240 MB"},
	[SETTING_ARCHITECTURE] = {"architecture", "x86_64", false, check_architecture,
				  "processor of server and function: x86_64 or arm64; the image must have it"},
	[SETTING_AWS_PROFILE] = {"aws_profile", NULL, false, check_profile, "profile of ~/.aws to use"},
	[SETTING_ROLE_POLICIES] =
		{"role_policies", NULL, false, check_role_policies,
		 "ARNs of managed policies for the roles of server and function, comma-separated, at most 10"},
	[SETTING_HISTORY_KEEP] = {"history_keep", "100", false, check_history_keep,
				  "commands kept in lambda/history and exec/history, 0 to 100"},
	[SETTING_HISTORY_LIMIT] =
		{"history_limit", "1", false, check_history_limit,
		 "disk space for the results of these commands, 0 to 1024 GB; the newest result is always kept"},
};

const struct setting_rule *setting_rule(enum setting key)
{
	return &rules[key];
}

/* The state of the parser in a line. */
struct cursor {
	const char *line;
	size_t len;
	size_t at;
	unsigned lineno;
};

struct assignment {
	enum setting key; /* SETTING_COUNT: the line sets nothing */
	size_t column;	  /* column of the value, counted from 0 */
	char value[COMMAND_MAX + 2];
};

/* Prefixes the message of err with the position, if the text is a line of a file. */
static int setting_locate(const struct cursor *c, size_t column, struct error *err)
{
	return c->lineno ? error_prefix(err, "line %u, column %zu", c->lineno, column + 1) : err->errnum;
}

static bool setting_is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

static bool setting_is_key_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_';
}

static void setting_skip_blanks(struct cursor *c)
{
	while (c->at < c->len && setting_is_blank(c->line[c->at]))
		c->at++;
}

static bool setting_at_end(const struct cursor *c)
{
	return c->at == c->len || c->line[c->at] == '#';
}

static int setting_check_characters(const struct cursor *c, struct error *err)
{
	size_t n;

	for (size_t i = c->at; i < c->len; i += n) {
		unsigned char ch = (unsigned char)c->line[i];

		n = utf8_decode(c->line + i, c->len - i, NULL);
		if (!n)
			error_set(err, -EINVAL, "a byte that is not UTF-8 (0x%02x)", ch);
		else if (ch == '\r')
			error_set(err, -EINVAL, "a carriage return within the line");
		else if ((ch < ' ' && ch != '\t') || ch == 0x7f)
			error_set(err, -EINVAL, "a control character (0x%02x)", ch);
		else
			continue;
		return setting_locate(c, i, err);
	}
	return 0;
}

static size_t setting_smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* The Levenshtein distance, ignoring case: how many characters to insert, delete or replace. */
static size_t setting_distance(const char *a, size_t len, const char *b)
{
	size_t row[KEY_MAX + 1], wide = strlen(b);

	for (size_t j = 0; j <= wide; j++)
		row[j] = j;
	for (size_t i = 0; i < len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < wide; j++) {
			size_t replaced = diagonal + (strncasecmp(a + i, b + j, 1) != 0);

			diagonal = row[j + 1];
			row[j + 1] = setting_smallest(replaced, row[j] + 1, row[j + 1] + 1);
		}
	}
	return row[wide];
}

static const char *setting_nearest_key(const char *key, size_t len)
{
	const char *nearest = rules[0].key;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		size_t d = setting_distance(key, len, rules[i].key);

		if (d < least) {
			least = d;
			nearest = rules[i].key;
		}
	}
	return nearest;
}

static int setting_find_key(const struct cursor *c, size_t start, enum setting *ret, struct error *err)
{
	const char *key = c->line + start;
	size_t len = c->at - start, shown = len < KEY_MAX ? len : KEY_MAX;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (strlen(rules[i].key) == len && memcmp(rules[i].key, key, len) == 0) {
			*ret = (enum setting)i;
			return 0;
		}
	}
	error_set(err, -EINVAL, "unknown setting %.*s, the nearest is %s", (int)shown, key,
		  setting_nearest_key(key, shown));
	return setting_locate(c, start, err);
}

static void setting_skip_export(struct cursor *c)
{
	const size_t len = strlen("export");

	if (c->len - c->at > len && memcmp(c->line + c->at, "export", len) == 0 &&
	    setting_is_blank(c->line[c->at + len])) {
		c->at += len;
		setting_skip_blanks(c);
	}
}

static int setting_parse_key(struct cursor *c, enum setting *ret, struct error *err)
{
	size_t start;
	int r;

	setting_skip_export(c);
	start = c->at;
	while (c->at < c->len && setting_is_key_char(c->line[c->at]))
		c->at++;
	if (c->at == start) {
		error_set(err, -EINVAL, "a line must be key=value, or a comment that starts with #");
		return setting_locate(c, start, err);
	}
	r = setting_find_key(c, start, ret, err);
	if (r < 0)
		return r;
	setting_skip_blanks(c);
	if (c->at == c->len || c->line[c->at] != '=') {
		error_set(err, -EINVAL, "there is no = after %s", rules[*ret].key);
		return setting_locate(c, c->at, err);
	}
	c->at++;
	return 0;
}

static int setting_take_value(const struct cursor *c, size_t start, size_t end, struct assignment *ret,
			      struct error *err)
{
	size_t len = end - start;

	ret->column = start;
	if (len >= sizeof(ret->value)) {
		error_set(err, -EINVAL, "the value has more than %d bytes", COMMAND_MAX);
		return setting_locate(c, start, err);
	}
	memcpy(ret->value, c->line + start, len);
	ret->value[len] = '\0';
	return 0;
}

static int setting_parse_quoted(struct cursor *c, struct assignment *ret, struct error *err)
{
	size_t start = c->at + 1;
	const char *end = memchr(c->line + start, c->line[c->at], c->len - start);
	int r;

	if (!end) {
		error_set(err, -EINVAL, "the quote is not closed on this line");
		return setting_locate(c, c->at, err);
	}
	c->at = (size_t)(end - c->line) + 1;
	r = setting_take_value(c, start, c->at - 1, ret, err);
	if (r < 0 || c->at == c->len)
		return r;
	if (setting_is_blank(c->line[c->at])) {
		setting_skip_blanks(c);
		if (setting_at_end(c))
			return 0;
	}
	error_set(err, -EINVAL,
		  "text after the closing quote; for a quote inside a value, enclose it in the other kind");
	return setting_locate(c, c->at, err);
}

static int setting_parse_plain(struct cursor *c, struct assignment *ret, struct error *err)
{
	size_t start = c->at, end;

	while (c->at < c->len && !(c->line[c->at] == '#' && setting_is_blank(c->line[c->at - 1])))
		c->at++;
	for (end = c->at; end > start && setting_is_blank(c->line[end - 1]);)
		end--;
	return setting_take_value(c, start, end, ret, err);
}

static size_t setting_fault_of(const struct assignment *a)
{
	return rules[a->key].fault ? rules[a->key].fault(a->value) : 0;
}

/* What editors on Windows add: a byte order mark before the first line, a carriage return at the end of each. */
static void setting_skip_marks(struct cursor *c)
{
	if (c->lineno == 1 && c->len >= 3 && memcmp(c->line, "\xef\xbb\xbf", 3) == 0)
		c->at = 3;
	if (c->len > c->at && c->line[c->len - 1] == '\r')
		c->len--;
}

static int setting_parse_line(struct cursor *c, struct assignment *ret, struct error *err)
{
	int r;

	setting_skip_marks(c);
	ret->key = SETTING_COUNT;
	r = setting_check_characters(c, err);
	if (r < 0)
		return r;
	setting_skip_blanks(c);
	if (setting_at_end(c))
		return 0;
	r = setting_parse_key(c, &ret->key, err);
	if (r < 0)
		return r;
	setting_skip_blanks(c);
	if (c->at < c->len && (c->line[c->at] == '"' || c->line[c->at] == '\''))
		r = setting_parse_quoted(c, ret, err);
	else
		r = setting_parse_plain(c, ret, err);
	if (r < 0 || !ret->value[0])
		return r;
	r = rules[ret->key].check(ret->value, err);
	if (r == -ENOMEM)
		return r; /* no memory: the line itself is correct */
	if (r < 0) {
		error_prefix(err, "%s", rules[ret->key].key);
		return setting_locate(c, ret->column + setting_fault_of(ret), err);
	}
	return 0;
}

int settings_check_line(const char *line, size_t len, unsigned lineno, struct error *err)
{
	struct cursor c = {.line = line, .len = len, .lineno = lineno};
	struct assignment ignored;
	struct error unwanted;

	return setting_parse_line(&c, &ignored, err ? err : &unwanted);
}

/* Stores a copy of the value; an empty value undoes an earlier line. -ENOMEM. */
static int setting_assign(struct settings *s, const struct assignment *a)
{
	char *copy = NULL;

	if (a->key == SETTING_COUNT)
		return 0;
	if (a->value[0]) {
		copy = strdup(a->value);
		if (!copy)
			return -ENOMEM;
	}
	free(s->values[a->key]);
	s->values[a->key] = copy;
	return 0;
}

static int settings_parse_lines(struct settings *s, const char *text, size_t len, struct error *err)
{
	struct assignment a;
	unsigned lineno = 0;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline ? (size_t)(newline - text) : len;
		struct cursor c = {.line = text + at, .len = end - at, .lineno = ++lineno};
		int r = setting_parse_line(&c, &a, err);

		if (r == 0)
			r = setting_assign(s, &a);
		if (r < 0)
			return r;
		at = end + 1;
	}
	return 0;
}

static unsigned settings_number(const struct settings *s, enum setting key)
{
	return (unsigned)strtoul(settings_get(s, key), NULL, 10);
}

/* The values have been checked line by line, so nothing here can fail. */
static void settings_fill_numbers(struct settings *s)
{
	const char *subnet = settings_get(s, SETTING_SUBNET_CIDR);

	if (*subnet)
		cidr_parse(subnet, &s->subnet, NULL);
	s->efs = strcmp(settings_get(s, SETTING_VAST_STORAGE), "efs") == 0;
	s->vast_port = settings_number(s, SETTING_VAST_PORT);
	s->server_cpu = settings_number(s, SETTING_SERVER_CPU);
	s->server_memory = settings_number(s, SETTING_SERVER_MEMORY);
	s->server_disk_size = settings_number(s, SETTING_SERVER_DISK_SIZE);
	s->server_restart = strcmp(settings_get(s, SETTING_SERVER_RESTART), "always") == 0;
	s->server_start_timeout = settings_number(s, SETTING_SERVER_START_TIMEOUT);
	s->lambda_memory = settings_number(s, SETTING_LAMBDA_MEMORY);
	s->lambda_tmp_size = settings_number(s, SETTING_LAMBDA_TMP_SIZE);
	s->lambda_timeout = settings_number(s, SETTING_LAMBDA_TIMEOUT);
	s->lambda_result_limit = settings_number(s, SETTING_LAMBDA_RESULT_LIMIT);
	s->history_keep = settings_number(s, SETTING_HISTORY_KEEP);
	s->history_limit = settings_number(s, SETTING_HISTORY_LIMIT);
	s->import_spool_limit = settings_number(s, SETTING_IMPORT_SPOOL_LIMIT);
	s->import_ordered = strcmp(settings_get(s, SETTING_IMPORT_ORDERED), "yes") == 0;
}

int settings_parse(const char *text, size_t len, struct settings **ret, struct error *err)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = NULL;
	struct error unwanted;
	int r;

	if (len > SETTINGS_MAX)
		return error_set(err, -EFBIG, "the settings have more than %d bytes", SETTINGS_MAX);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	ref_init(&s->ref);
	r = settings_parse_lines(s, text, len, err ? err : &unwanted);
	if (r < 0)
		return r;
	settings_fill_numbers(s);
	*ret = move_ptr(s);
	return 0;
}

int settings_set_default_region(struct settings *s, const char *region, const char *source)
{
	struct error why = {0};
	char **place = &s->default_region;

	if (!region || !*region)
		return 0;
	if (rules[SETTING_AWS_REGION].check(region, &why) < 0) {
		error_prefix(&why, "%s cannot be used", source);
		place = &s->default_region_fault;
		region = why.message;
	}
	free(*place);
	*place = strdup(region);
	return *place ? 0 : -ENOMEM;
}

int settings_check_region(const struct settings *s, struct error *err)
{
	if (*settings_get(s, SETTING_AWS_REGION) || !s->default_region_fault)
		return 0;
	error_set(err, -EINVAL, "aws_region is not set, and %s", s->default_region_fault);
	error_remedy(err, "write aws_region to config/default.env");
	return -EINVAL;
}

int settings_check_complete(const struct settings *s, struct error *err)
{
	_buf_ struct buf missing = BUF_INIT(512);

	if (settings_check_region(s, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (rules[i].required && !*settings_get(s, (enum setting)i))
			buf_printf(&missing, "%s%s", missing.len ? ", " : "", rules[i].key);
	if (missing.len) {
		error_set(err, -EINVAL, "not set in config/default.env: %s", buf_str(&missing));
		error_remedy(err, "write them to config/default.env, or: cp discover/suggested.env config/default.env; "
				  "the AWS console (VPC, Your VPCs) and aws ec2 "
				  "describe-vpcs list your VPCs");
		return -EINVAL;
	}
	return check_fargate_size(s->server_cpu, s->server_memory, err);
}

struct settings *settings_ref(struct settings *s)
{
	if (s)
		ref_get(&s->ref);
	return s;
}

void settings_unref(struct settings *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	for (size_t i = 0; i < SETTING_COUNT; i++)
		free(s->values[i]);
	free(s->default_region);
	free(s->default_region_fault);
	free(s);
}

const char *settings_get(const struct settings *s, enum setting key)
{
	if (s->values[key])
		return s->values[key];
	if (key == SETTING_AWS_REGION && s->default_region)
		return s->default_region;
	return rules[key].fallback ? rules[key].fallback : "";
}

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
static uint64_t settings_fnv1a(uint64_t hash, const char *s)
{
	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return hash;
}

/* The keys of version 0.1 in their order, with their defaults. */
static const struct {
	enum setting key;
	const char *fallback;
} first_version[] = {
	{SETTING_AWS_REGION, ""},
	{SETTING_VPC_ID, ""},
	{SETTING_SUBNET_CIDR, ""},
	{SETTING_STAGE, "default"},
	{SETTING_VAST_IMAGE, "tenzir/vast:latest"},
	{SETTING_VAST_COMMAND, "vast -e 0.0.0.0:42000 start"},
	{SETTING_VAST_PORT, "42000"},
	{SETTING_VAST_STORAGE, "efs"},
	{SETTING_VAST_DATA_DIR, "/var/lib/vast"},
	{SETTING_IMPORT_COMMAND, "vast import $format"},
	{SETTING_SERVER_CPU, "2048"},
	{SETTING_SERVER_MEMORY, "4096"},
	{SETTING_LAMBDA_MEMORY, "2048"},
	{SETTING_LAMBDA_TIMEOUT, "300"},
	{SETTING_LAMBDA_RESULT_LIMIT, "200"},
	{SETTING_ARCHITECTURE, "x86_64"},
	{SETTING_AWS_PROFILE, ""},
};

char *settings_hash_first(const struct settings *s, char hex[static SETTINGS_HASH_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < ARRAY_SIZE(first_version); i++) {
		const char *value = s->values[first_version[i].key];

		hash = settings_fnv1a(hash, rules[first_version[i].key].key);
		hash = settings_fnv1a(hash, "=");
		hash = settings_fnv1a(hash, value ? value : first_version[i].fallback);
		hash = settings_fnv1a(hash, "\n");
	}
	snprintf(hex, SETTINGS_HASH_SIZE, "%016" PRIx64, hash);
	return hex;
}

/*
 * The quote that a value needs, 0 for none. A value that contains both kinds cannot occur: it could not have been
 * parsed.
 */
static char setting_quote(const char *value)
{
	size_t n = strlen(value);
	bool plain = *value != '\'' && *value != '"' && *value != '#' && *value != ' ' && *value != '\t' &&
		     !strstr(value, " #") && !strstr(value, "\t#") && value[n - 1] != ' ' && value[n - 1] != '\t';

	if (plain)
		return 0;
	return strchr(value, '\'') ? '"' : '\'';
}

int setting_print(enum setting key, const char *value, struct buf *out)
{
	char quote[2] = {setting_quote(value)};

	return buf_printf(out, "%s=%s%s%s\n", rules[key].key, quote, value, quote);
}

int settings_print(const struct settings *s, struct buf *out)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (s->values[i] && *s->values[i])
			setting_print((enum setting)i, s->values[i], out);
	if (!s->values[SETTING_AWS_REGION] && s->default_region)
		setting_print(SETTING_AWS_REGION, s->default_region, out);
	return out->error;
}

char *settings_stack_name(const struct settings *s, char name[static SETTINGS_STACK_SIZE])
{
	snprintf(name, SETTINGS_STACK_SIZE, "vast-%s", settings_get(s, SETTING_STAGE));
	return name;
}

int settings_write_example(struct buf *out)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting_rule *rule = &rules[i];

		buf_printf(out, "%s# %s\n", i ? "\n" : "", rule->help);
		buf_printf(out, "%s%s=%s\n", rule->required ? "" : "#", rule->key,
			   rule->fallback ? rule->fallback : "");
	}
	return out->error;
}
