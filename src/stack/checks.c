/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/checks.h"

#include "base/buf.h"
#include "image/reference.h"
#include "stack/cidr.h"
#include "stack/command_line.h"
#include "stack/environment.h"
#include "stack/forms.h"

#include <string.h>

#define LARGEST_SUBNET	16 /* prefix length; a VPC's block has the same limit */
#define SMALLEST_SUBNET 27 /* its halves are AWS's smallest subnets, /28 */

/* Task sizes. Source: Amazon ECS Developer Guide, "Troubleshoot task definition invalid CPU or memory errors". */
static const struct fargate_size {
	unsigned cpu, least, most, step; /* CPU units, MiB */
} fargate_sizes[] = {
	/* 256 also has 512: least and 1024 are not one step apart */
	{256, 512, 512, 512},	   {256, 1024, 2048, 1024},   {512, 1024, 4096, 1024},	  {1024, 2048, 8192, 1024},
	{2048, 4096, 16384, 1024}, {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

/* A file system that is mounted on one of these directories would hide programs that the server needs. */
static const char *const system_dirs[] = {"/bin", "/boot", "/dev", "/etc",  "/lib", "/lib64",
					  "/opt", "/proc", "/run", "/sbin", "/sys", "/usr"};

int parse_unsigned(const char *value, unsigned least, unsigned most, unsigned *ret, struct error *err)
{
	unsigned long n;

	if (!form_is_number(value))
		return error_set(err, -EINVAL, "%.40s is not a whole number", value);
	n = strtoul(value, NULL, 10);
	if (n < least || n > most)
		return error_set(err, -EINVAL, "%lu is not between %u and %u", n, least, most);
	*ret = (unsigned)n;
	return 0;
}

static int check_between(const char *value, unsigned least, unsigned most, struct error *err)
{
	unsigned n;

	return parse_unsigned(value, least, most, &n, err);
}

int check_region(const char *value, struct error *err)
{
	if (form_is_region(value))
		return 0;
	if (form_is_zone(value))
		return error_set(err, -EINVAL, "%s is an availability zone, its region is %.*s", value,
				 (int)strlen(value) - 1, value);
	return error_set(err, -EINVAL, "%.40s is not the name of a region like eu-central-1", value);
}

int check_vpc_id(const char *value, struct error *err)
{
	if (form_is_vpc_id(value))
		return 0;
	return error_set(err, -EINVAL, "%.40s is not a VPC ID (vpc- and 8 or 17 hexadecimal digits)", value);
}

int check_subnet_cidr(const char *value, struct error *err)
{
	struct cidr c;
	int r = cidr_parse(value, &c, err);

	if (r < 0)
		return r;
	if (c.prefix > SMALLEST_SUBNET)
		return error_set(err, -EINVAL, "%s is too small, at least a /%d (32 addresses) is needed", value,
				 SMALLEST_SUBNET);
	if (c.prefix < LARGEST_SUBNET)
		return error_set(err, -EINVAL, "%s is larger than the largest block of a VPC (/%d)", value,
				 LARGEST_SUBNET);
	return 0;
}

int check_stage(const char *value, struct error *err)
{
	if (strlen(value) > STAGE_MAX)
		return error_set(err, -EINVAL, "a stage can have at most %d characters; this one has %zu", STAGE_MAX,
				 strlen(value));
	if (form_is_stage(value))
		return 0;
	return error_set(err, -EINVAL,
			 "%s is not a stage: lower-case letters and digits, with single dashes between them", value);
}

/* The grammar and the message are those of the code that pulls the image. */
int check_image(const char *value, struct error *err)
{
	struct image_reference reference;

	return image_reference_parse(value, &reference, err);
}

static int check_command(const char *value, size_t most, struct error *err)
{
	if (strlen(value) > most)
		return error_set(err, -EINVAL, "a command can have at most %zu bytes; this one has %zu", most,
				 strlen(value));
	return 0;
}

int check_server_command(const char *value, struct error *err)
{
	int r = check_command(value, COMMAND_MAX - strlen(COMMAND_LINE_EXEC), err);

	if (r == 0)
		r = command_line_check(value, err);
	return r < 0 ? r : environment_check_reference(value, err);
}

int check_import_command(const char *value, struct error *err)
{
	return check_command(value, COMMAND_MAX, err);
}

int check_import_spool_limit(const char *value, struct error *err)
{
	return check_between(value, 1, 1024, err);
}

int check_import_ordered(const char *value, struct error *err)
{
	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
		return 0;
	return error_set(err, -EINVAL, "%.40s is neither yes nor no", value);
}

int check_port(const char *value, struct error *err)
{
	return check_between(value, 1, 65535, err);
}

static int check_choice(const char *value, const char *one, const char *other, struct error *err)
{
	if (strcmp(value, one) == 0 || strcmp(value, other) == 0)
		return 0;
	return error_set(err, -EINVAL, "%.40s is neither %s nor %s", value, one, other);
}

int check_storage(const char *value, struct error *err)
{
	return check_choice(value, "efs", "ephemeral", err);
}

int check_architecture(const char *value, struct error *err)
{
	return check_choice(value, "x86_64", "arm64", err);
}

int check_data_dir(const char *value, struct error *err)
{
	if (strlen(value) > 255 || !form_is_absolute_path(value))
		return error_set(err, -EINVAL,
				 "%.80s is not an absolute path of letters, digits and ._- "
				 "without a slash at its end",
				 value);
	if (form_has_dots(value))
		return error_set(err, -EINVAL, "%.80s contains . or .. as a component", value);
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++)
		if (strcmp(value, system_dirs[i]) == 0)
			return error_set(err, -EINVAL,
					 "the storage cannot be mounted over %s, which contains programs of the image",
					 value);
	return 0;
}

int check_server_cpu(const char *value, struct error *err)
{
	_buf_ struct buf sizes = BUF_INIT(256);

	for (size_t i = 0; i < ARRAY_SIZE(fargate_sizes); i++) {
		char text[16];

		if (i && fargate_sizes[i].cpu == fargate_sizes[i - 1].cpu)
			continue;
		snprintf(text, sizeof(text), "%u", fargate_sizes[i].cpu);
		if (strcmp(text, value) == 0)
			return 0;
		buf_printf(&sizes, " %s", text);
	}
	return error_set(err, -EINVAL, "%.40s is not a CPU size of Fargate:%s", value, buf_str(&sizes));
}

int check_server_memory(const char *value, struct error *err)
{
	return check_between(value, fargate_sizes[0].least, fargate_sizes[ARRAY_SIZE(fargate_sizes) - 1].most, err);
}

int check_fargate_size(unsigned cpu, unsigned memory, struct error *err)
{
	_buf_ struct buf sizes = BUF_INIT(256);

	for (size_t i = 0; i < ARRAY_SIZE(fargate_sizes); i++) {
		const struct fargate_size *s = &fargate_sizes[i];

		if (s->cpu != cpu)
			continue;
		if (memory >= s->least && memory <= s->most && (memory - s->least) % s->step == 0)
			return 0;
		buf_puts(&sizes, sizes.len ? ", or " : "");
		if (s->least == s->most)
			buf_printf(&sizes, "%u", s->least);
		else
			buf_printf(&sizes, "%u to %u in steps of %u", s->least, s->most, s->step);
	}
	return error_set(err, -EINVAL, "Fargate has no server_memory %u with server_cpu %u, it can be %s", memory, cpu,
			 buf_str(&sizes));
}

/* Fargate's limits. Its default of 20 GiB cannot be requested as a number. */
int check_server_disk_size(const char *value, struct error *err)
{
	return check_between(value, 21, 200, err);
}

int check_server_restart(const char *value, struct error *err)
{
	return check_choice(value, "always", "never", err);
}

int check_server_start_timeout(const char *value, struct error *err)
{
	return check_between(value, 1, 3600, err);
}

int check_lambda_memory(const char *value, struct error *err)
{
	return check_between(value, 128, 10240, err);
}

int check_lambda_timeout(const char *value, struct error *err)
{
	return check_between(value, 1, 900, err);
}

int check_lambda_tmp_size(const char *value, struct error *err)
{
	return check_between(value, 512, 10240, err);
}

int check_lambda_result_limit(const char *value, struct error *err)
{
	return check_between(value, 1, 10240, err);
}

int check_profile(const char *value, struct error *err)
{
	if (strlen(value) > 128 || strpbrk(value, "[]"))
		return error_set(err, -EINVAL, "%.40s is not the name of a profile", value);
	return 0;
}

/* IAM allows a comma in the name of a policy, but here it separates ARNs. Source: IAM API reference, CreatePolicy. */

static int check_policy_arn(const char *arn, struct error *err)
{
	if (!*arn)
		return error_set(err, -EINVAL, "an empty entry; separate ARNs by one comma, without one at the end");
	if (strpbrk(arn, " \t"))
		return error_set(err, -EINVAL, "a blank in \"%.160s\"; separate ARNs by a comma alone", arn);
	if (!form_is_policy_arn(arn))
		return error_set(err, -EINVAL,
				 "%.160s is not the ARN of a managed policy like "
				 "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
				 arn);
	if (strstr(arn, ":policy/aws-service-role/"))
		return error_set(err, -EINVAL,
				 "%.160s is reserved by AWS for service-linked roles and cannot be attached", arn);
	return 0;
}

static bool check_is_listed(char *const *items, size_t n, const char *item)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i], item) == 0)
			return true;
	return false;
}

int check_role_policies(const char *value, struct error *err)
{
	_free_ char *copy = strdup(value);
	char *rest = copy, *arn, *arns[ROLE_POLICIES_MAX];

	if (!copy)
		return -ENOMEM;
	for (size_t n = 0; (arn = strsep(&rest, ",")); n++) {
		int r = check_policy_arn(arn, err);

		if (r < 0)
			return r;
		if (n == ROLE_POLICIES_MAX)
			return error_set(err, -EINVAL, "more than %d policies, which is IAM's limit for a role",
					 ROLE_POLICIES_MAX);
		if (check_is_listed(arns, n, arn))
			return error_set(err, -EINVAL, "%.160s is listed twice", arn);
		arns[n] = arn;
	}
	return 0;
}

int check_history_keep(const char *value, struct error *err)
{
	return check_between(value, 0, 100, err);
}

int check_history_limit(const char *value, struct error *err)
{
	return check_between(value, 0, 1024, err);
}
