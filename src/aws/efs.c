#include "aws/efs.h"

#define FILE_SYSTEMS "/2015-02-01/file-systems"

static struct aws_request *new_call(const char *operation, const char *method, const char *path, const char *id,
				    const char *behind)
{
	return aws_rest_new(&aws_service_efs, operation, method, path, id, behind);
}

static struct aws_request *list_call(const char *operation, const char *path, const char *filter, const char *value,
				     const char *list)
{
	struct aws_request *r = new_call(operation, "GET", path, NULL, NULL);

	aws_put_query(&r, filter, value);
	aws_put_paging(r, "Marker", "NextMarker", list);
	return r;
}

struct aws_request *aws_efs_create_file_system(const char *creation_token, const struct aws_pair *tags,
					       size_t tag_count)
{
	struct aws_request *r = new_call("CreateFileSystem", "POST", FILE_SYSTEMS, NULL, NULL);

	aws_put_body(&r);
	aws_put_text(&r, "CreationToken", creation_token);
	aws_put_flag(&r, "Encrypted", true);
	aws_put_flag(&r, "Backup", false);
	aws_put_text(&r, "ThroughputMode", "elastic");
	aws_put_text(&r, "PerformanceMode", "generalPurpose");
	aws_put_pairs(&r, "Tags", "Key", "Value", tags, tag_count);
	return r;
}

struct aws_request *aws_efs_find_file_system(const char *creation_token)
{
	return list_call("DescribeFileSystems", FILE_SYSTEMS, "CreationToken", creation_token, "FileSystems");
}

struct aws_request *aws_efs_describe_file_system(const char *id)
{
	return list_call("DescribeFileSystems", FILE_SYSTEMS, "FileSystemId", id, "FileSystems");
}

struct aws_request *aws_efs_put_file_system_policy(const char *id, const char *policy)
{
	struct aws_request *r = new_call("PutFileSystemPolicy", "PUT", FILE_SYSTEMS "/", id, "/policy");

	aws_put_body(&r);
	aws_put_text(&r, "Policy", policy);
	return r;
}

struct aws_request *aws_efs_describe_mount_targets(const char *file_system_id)
{
	return list_call("DescribeMountTargets", "/2015-02-01/mount-targets", "FileSystemId", file_system_id,
			 "MountTargets");
}

struct aws_request *aws_efs_describe_access_points(const char *file_system_id)
{
	struct aws_request *r = list_call("DescribeAccessPoints", "/2015-02-01/access-points", "FileSystemId",
					  file_system_id, "AccessPoints");

	aws_put_paging(r, "NextToken", "NextToken", "AccessPoints");
	return r;
}

struct aws_request *aws_efs_delete_file_system(const char *id)
{
	return new_call("DeleteFileSystem", "DELETE", FILE_SYSTEMS "/", id, NULL);
}
