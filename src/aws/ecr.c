#include "aws/ecr.h"

static struct aws_request *new_call(const char *operation, const char *repository)
{
	struct aws_request *r = aws_request_new(&aws_service_ecr, operation);

	aws_put_text(&r, "repositoryName", repository);
	return r;
}

struct aws_request *aws_ecr_create_repository(const char *name, const struct aws_pair *tags, size_t tag_count)
{
	struct aws_request *r = new_call("CreateRepository", name);

	aws_put_pairs(&r, "tags", "Key", "Value", tags, tag_count);
	return r;
}

struct aws_request *aws_ecr_describe_repository(const char *name)
{
	struct aws_request *r = new_call("DescribeRepositories", NULL);

	aws_put_texts(&r, "repositoryNames", &name, 1);
	return r;
}

struct aws_request *aws_ecr_list_tags(const char *arn)
{
	struct aws_request *r = new_call("ListTagsForResource", NULL);

	aws_put_text(&r, "resourceArn", arn);
	return r;
}

struct aws_request *aws_ecr_set_repository_policy(const char *name, const char *policy)
{
	struct aws_request *r = new_call("SetRepositoryPolicy", name);

	aws_put_text(&r, "policyText", policy);
	return r;
}

struct aws_request *aws_ecr_describe_images(const char *name)
{
	struct aws_request *r = new_call("DescribeImages", name);

	aws_put_paging(r, "nextToken", "nextToken", "imageDetails");
	return r;
}

struct aws_request *aws_ecr_batch_delete_images(const char *name, const char *const *digests, size_t count)
{
	struct aws_request *r = new_call("BatchDeleteImage", name);
	cJSON *ids = cJSON_CreateArray();

	for (size_t i = 0; i < count; i++) {
		cJSON *id = cJSON_CreateObject();

		if (!cJSON_AddStringToObject(id, "imageDigest", digests[i]) || !cJSON_AddItemToArray(ids, id)) {
			cJSON_Delete(id);
			cJSON_Delete(ids);
			ids = NULL;
			break;
		}
	}
	aws_put_node(&r, "imageIds", ids);
	return r;
}

struct aws_request *aws_ecr_delete_repository(const char *name)
{
	struct aws_request *r = new_call("DeleteRepository", name);

	aws_put_flag(&r, "force", true);
	return r;
}

struct aws_request *aws_ecr_get_authorization_token(void)
{
	return new_call("GetAuthorizationToken", NULL);
}
