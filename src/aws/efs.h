/*
 * efs.h - calls of the Elastic File System. Source: its API reference, version 2015-02-01.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_EFS_H
#define VASTFS_AWS_EFS_H

#include "aws/aws.h"
#include "aws/service.h"

/* Encrypted, elastic throughput, no backups. FileSystemAlreadyExists: the token has been used, describe it. */
struct aws_request *aws_efs_create_file_system(const char *creation_token, const struct aws_pair *tags,
					       size_t tag_count);

/* All pages. Reply: FileSystems (LifeCycleState, NumberOfMountTargets, SizeInBytes, Tags). */
struct aws_request *aws_efs_find_file_system(const char *creation_token);
struct aws_request *aws_efs_describe_file_system(const char *id);

/* policy: a JSON document as text. */
struct aws_request *aws_efs_put_file_system_policy(const char *id, const char *policy);

/* All pages. Reply: MountTargets. */
struct aws_request *aws_efs_describe_mount_targets(const char *file_system_id);

/* All pages. Reply: AccessPoints. */
struct aws_request *aws_efs_describe_access_points(const char *file_system_id);

/* FileSystemInUse: it has mount targets. */
struct aws_request *aws_efs_delete_file_system(const char *id);

#endif
