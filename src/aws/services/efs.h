/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * efs.h - Elastic File System. Source: AWS's service model 2015-02-01.
 *
 * Every function makes one request, NULL without memory; strings are copied.
 */
#ifndef VASTFS_AWS_EFS_H
#define VASTFS_AWS_EFS_H

#include "aws/aws.h"

/* Encrypted, elastic throughput, tagged. FileSystemAlreadyExists if the creation token is in use. */
struct aws_request *efs_create_file_system(const char *token, const char *stage);

/* By creation token. Reply: FileSystems, empty if there is none. */
struct aws_request *efs_describe_file_systems(const char *token);
/* Reply: Policy, a JSON text. PolicyNotFound if the file system has no policy. */
struct aws_request *efs_describe_file_system_policy(const char *id);
struct aws_request *efs_put_file_system_policy(const char *id, const char *policy);
struct aws_request *efs_describe_mount_targets(const char *id); /* reply: MountTargets */
struct aws_request *efs_delete_file_system(const char *id);

#endif
