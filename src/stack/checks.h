/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checks.h - checks the value of one setting without regard to the others; for the table in settings.c. Pure; any
 * thread.
 *
 * Each check gets a value that is not empty and returns 0, or -EINVAL with a message that names the accepted values.
 * Lengths are in bytes.
 */
#ifndef VASTFS_STACK_CHECKS_H
#define VASTFS_STACK_CHECKS_H

#include "base/error.h"

#include <stdbool.h>

#define STAGE_MAX   32
#define COMMAND_MAX 4096 /* CloudFormation's limit for one parameter */

#define ROLE_POLICIES_MAX 10 /* IAM's default quota of managed policies attached to a role */

int check_region(const char *value, struct error *err);
int check_vpc_id(const char *value, struct error *err);
int check_subnet_cidr(const char *value, struct error *err);
int check_stage(const char *value, struct error *err);
int check_image(const char *value, struct error *err);
int check_server_command(const char *value, struct error *err);
int check_import_command(const char *value, struct error *err);
int check_import_spool_limit(const char *value, struct error *err);
int check_import_ordered(const char *value, struct error *err);
int check_port(const char *value, struct error *err);
int check_storage(const char *value, struct error *err);
int check_data_dir(const char *value, struct error *err);
int check_server_cpu(const char *value, struct error *err);
int check_server_memory(const char *value, struct error *err);
int check_server_disk_size(const char *value, struct error *err);
int check_server_restart(const char *value, struct error *err);
int check_server_start_timeout(const char *value, struct error *err);
int check_lambda_memory(const char *value, struct error *err);
int check_lambda_timeout(const char *value, struct error *err);
int check_lambda_tmp_size(const char *value, struct error *err);
int check_lambda_result_limit(const char *value, struct error *err);
int check_architecture(const char *value, struct error *err);
int check_profile(const char *value, struct error *err);
int check_role_policies(const char *value, struct error *err);
int check_history_keep(const char *value, struct error *err);
int check_history_limit(const char *value, struct error *err);

/* The decimal number, or -EINVAL with a message; signs, blanks and leading zeros are refused. */
int parse_unsigned(const char *value, unsigned least, unsigned most, unsigned *ret, struct error *err);

/*
 * 0 if Fargate offers this task size (CPU units, MiB). -EINVAL with a message that names the memory sizes for that CPU.
 */
int check_fargate_size(unsigned cpu, unsigned memory, struct error *err);

#endif
