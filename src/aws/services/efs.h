/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * efs.h - builds the requests to Elastic File System.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2015-02-01.
 */
#ifndef VASTFS_AWS_EFS_H
#define VASTFS_AWS_EFS_H

#include "aws/aws.h"

/*
 * Creates an encrypted, tagged file system with elastic throughput. AWS returns FileSystemAlreadyExists if the creation
 * token is already used.
 */
struct aws_request *efs_create_file_system(const char *token, const char *stage);

/* Finds file systems by their creation token. Reply: FileSystems, which is empty if there is none. */
struct aws_request *efs_describe_file_systems(const char *token);
/* Reply: Policy, a JSON text. AWS returns PolicyNotFound if the file system has no policy. */
struct aws_request *efs_describe_file_system_policy(const char *id);
struct aws_request *efs_put_file_system_policy(const char *id, const char *policy);
struct aws_request *efs_describe_mount_targets(const char *id); /* reply: MountTargets */
struct aws_request *efs_delete_file_system(const char *id);

#endif
