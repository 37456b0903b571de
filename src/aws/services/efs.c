/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/efs.h"

#include "aws/services/service.h"

#define ROOT "/2015-02-01"

struct aws_request *efs_create_file_system(const char *token, const char *stage)
{
	AWS_SHAPE(created, {"FileSystemId", AWS_STRING});
	struct aws_pair tags[] = {{"vastfs:stage", stage}, {"Name", token}};
	struct aws_request *r =
		aws_rest_new(&aws_service_efs, "CreateFileSystem", "POST", ROOT "/file-systems", NULL, NULL);

	aws_put_members(r, created);
	aws_put_body(&r);
	aws_put_text(&r, "CreationToken", token);
	aws_put_flag(&r, "Encrypted", true);
	aws_put_text(&r, "ThroughputMode", "elastic");
	aws_put_flag(&r, "Backup", false);
	aws_put_pairs(&r, "Tags", "Key", "Value", tags, 2);
	return r;
}

struct aws_request *efs_describe_file_systems(const char *token)
{
	AWS_SHAPE(file_systems, {"FileSystems", AWS_LIST}, {"FileSystems.*", AWS_OBJECT},
		  {"FileSystems.*.FileSystemId", AWS_STRING}, {"FileSystems.*.LifeCycleState", AWS_STRING},
		  {"FileSystems.*.Tags", AWS_LIST}, {"FileSystems.*.Tags.*", AWS_OBJECT},
		  {"FileSystems.*.SizeInBytes", AWS_OBJECT}, {"FileSystems.*.SizeInBytes.Value", AWS_NUMBER});
	struct aws_request *r =
		aws_rest_new(&aws_service_efs, "DescribeFileSystems", "GET", ROOT "/file-systems", NULL, NULL);

	aws_put_members(r, file_systems);
	aws_put_query(&r, "CreationToken", token);
	aws_put_paging(r, "Marker", "NextMarker", "FileSystems");
	return r;
}

struct aws_request *efs_describe_file_system_policy(const char *id)
{
	AWS_SHAPE(policy, {"Policy", AWS_STRING});
	struct aws_request *r =
		aws_rest_new(&aws_service_efs, "DescribeFileSystemPolicy", "GET", ROOT "/file-systems/", id, "/policy");

	aws_put_members(r, policy);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *efs_put_file_system_policy(const char *id, const char *policy)
{
	struct aws_request *r =
		aws_rest_new(&aws_service_efs, "PutFileSystemPolicy", "PUT", ROOT "/file-systems/", id, "/policy");

	aws_put_body(&r);
	aws_put_text(&r, "Policy", policy);
	return r;
}

struct aws_request *efs_describe_mount_targets(const char *id)
{
	AWS_SHAPE(targets, {"MountTargets", AWS_LIST}, {"MountTargets.*", AWS_OBJECT},
		  {"MountTargets.*.MountTargetId", AWS_STRING}, {"MountTargets.*.SubnetId", AWS_STRING},
		  {"MountTargets.*.VpcId", AWS_STRING | AWS_OPTIONAL});
	struct aws_request *r =
		aws_rest_new(&aws_service_efs, "DescribeMountTargets", "GET", ROOT "/mount-targets", NULL, NULL);

	aws_put_members(r, targets);
	aws_put_query(&r, "FileSystemId", id);
	aws_put_paging(r, "Marker", "NextMarker", "MountTargets");
	return r;
}

struct aws_request *efs_delete_file_system(const char *id)
{
	return aws_rest_new(&aws_service_efs, "DeleteFileSystem", "DELETE", ROOT "/file-systems/", id, NULL);
}
