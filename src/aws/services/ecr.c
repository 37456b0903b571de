/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/ecr.h"

#include "aws/services/service.h"
#include "base/json.h"

static struct aws_request *ecr_of_repository(const char *operation, const char *name)
{
	struct aws_request *r = aws_request_new(&aws_service_ecr, operation);

	aws_put_text(&r, "repositoryName", name);
	return r;
}

struct aws_request *ecr_describe_repository(const char *name)
{
	AWS_SHAPE(repositories, {"repositories", AWS_ENTRIES}, {"repositories.*", AWS_OBJECT},
		  {"repositories.*.repositoryArn", AWS_STRING}, {"repositories.*.repositoryUri", AWS_STRING});
	AWS_ECHOES(about, {"repositories.*.repositoryName", "repositoryNames"},
		   {"repositories.*.repositoryArn", "repositoryNames"});
	struct aws_request *r = aws_request_new(&aws_service_ecr, "DescribeRepositories");

	aws_put_members(r, repositories);
	aws_put_echoes(r, about);
	aws_put_texts(&r, "repositoryNames", &name, 1);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *ecr_create_repository(const char *name, const char *stage)
{
	struct aws_request *r = ecr_of_repository("CreateRepository", name);

	aws_put_pairs(&r, "tags", "Key", "Value", &(struct aws_pair){"vastfs:stage", stage}, 1);
	return r;
}

struct aws_request *ecr_delete_repository(const char *name)
{
	struct aws_request *r = ecr_of_repository("DeleteRepository", name);

	aws_put_flag(&r, "force", true);
	return r;
}

struct aws_request *ecr_list_tags_for_resource(const char *arn)
{
	AWS_SHAPE(tags, {"tags", AWS_LIST}, {"tags.*", AWS_OBJECT}, {"tags.*.Key", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_ecr, "ListTagsForResource");

	aws_put_members(r, tags);

	aws_put_text(&r, "resourceArn", arn);
	return r;
}

AWS_ECHOES(of_repository, {"repositoryName", "repositoryName"});

struct aws_request *ecr_get_repository_policy(const char *name)
{
	AWS_SHAPE(policy, {"policyText", AWS_STRING});
	struct aws_request *r = ecr_of_repository("GetRepositoryPolicy", name);

	aws_put_members(r, policy);
	aws_put_echoes(r, of_repository);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *ecr_set_repository_policy(const char *name, const char *policy)
{
	struct aws_request *r = ecr_of_repository("SetRepositoryPolicy", name);

	aws_put_text(&r, "policyText", policy);
	return r;
}

struct aws_request *ecr_get_lifecycle_policy(const char *name)
{
	AWS_SHAPE(policy, {"lifecyclePolicyText", AWS_STRING});
	struct aws_request *r = ecr_of_repository("GetLifecyclePolicy", name);

	aws_put_members(r, policy);
	aws_put_echoes(r, of_repository);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *ecr_put_lifecycle_policy(const char *name, const char *policy)
{
	struct aws_request *r = ecr_of_repository("PutLifecyclePolicy", name);

	aws_put_text(&r, "lifecyclePolicyText", policy);
	return r;
}

struct aws_request *ecr_get_authorization_token(void)
{
	AWS_SHAPE(tokens, {"authorizationData", AWS_ENTRIES}, {"authorizationData.*", AWS_OBJECT},
		  {"authorizationData.*.authorizationToken", AWS_STRING},
		  {"authorizationData.*.proxyEndpoint", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_ecr, "GetAuthorizationToken");

	aws_put_members(r, tokens);
	if (r)
		r->secret = true;
	return r;
}

AWS_ECHOES(images_of_repository, {"imageDetails.*.repositoryName", "repositoryName"});

struct aws_request *ecr_describe_images(const char *name)
{
	AWS_SHAPE(images, {"imageDetails", AWS_LIST}, {"imageDetails.*", AWS_OBJECT},
		  {"imageDetails.*.imageDigest", AWS_STRING}, {"imageDetails.*.imageTags", AWS_LIST | AWS_OPTIONAL},
		  {"imageDetails.*.imagePushedAt", AWS_TIME | AWS_OPTIONAL});
	struct aws_request *r = ecr_of_repository("DescribeImages", name);

	aws_put_members(r, images);
	aws_put_echoes(r, images_of_repository);
	aws_put_paging(r, "nextToken", "nextToken", "imageDetails");
	return r;
}

static void ecr_add_digest(int *e, cJSON *ids, const char *digest)
{
	cJSON *id = json_object(e);

	json_add_text(e, id, "imageDigest", digest);
	json_append(e, ids, id);
}

struct aws_request *ecr_describe_image(const char *name, const char *digest)
{
	AWS_SHAPE(image, {"imageDetails", AWS_ENTRIES}, {"imageDetails.*", AWS_OBJECT},
		  {"imageDetails.*.imageDigest", AWS_STRING});
	struct aws_request *r = ecr_of_repository("DescribeImages", name);
	int e = 0;
	cJSON *ids = json_array(&e);

	aws_put_members(r, image);
	aws_put_echoes(r, images_of_repository);
	ecr_add_digest(&e, ids, digest);
	aws_put_whole(&r, "imageIds", ids, e);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *ecr_tag_resource(const char *arn, const struct aws_pair *tags, size_t tags_n)
{
	struct aws_request *r = aws_request_new(&aws_service_ecr, "TagResource");

	aws_put_text(&r, "resourceArn", arn);
	aws_put_pairs(&r, "tags", "Key", "Value", tags, tags_n);
	return r;
}

struct aws_request *ecr_batch_delete_image(const char *name, const cJSON *digests)
{
	struct aws_request *r = ecr_of_repository("BatchDeleteImage", name);
	int e = 0;
	cJSON *ids = json_array(&e);
	const cJSON *digest;

	cJSON_ArrayForEach (digest, digests)
		ecr_add_digest(&e, ids, digest->valuestring);
	aws_put_whole(&r, "imageIds", ids, e);
	return r;
}
