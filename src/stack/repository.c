/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * repository.c - creates and deletes the image repository. It is not in the template because it must contain the image
 * before the stack can be created.
 */
#include "aws/config.h"
#include "aws/services/ecr.h"
#include "stack/own_policy.h"

#include <string.h>

static int repository_refuse_foreign(struct operation *op, const char *arn, struct error *err)
{
	const char *stage = settings_get(op->settings, SETTING_STAGE);
	cJSON *reply = NULL;
	const cJSON *tag;
	bool ours = false;
	int r = operation_call(op, ecr_list_tags_for_resource(arn), &reply, err);

	cJSON_ArrayForEach (tag, aws_at(reply, "tags"))
		if (strcmp(aws_text(tag, "Key"), "vastfs:stage") == 0 && strcmp(aws_text(tag, "Value"), stage) == 0)
			ours = true;
	cJSON_Delete(reply);
	if (r < 0 || ours)
		return r;
	error_set(err, -EEXIST,
		  "the image repository %s exists but has no tag vastfs:stage=%s: vastfs did not create it", arn,
		  stage);
	error_remedy(err, "set another stage, or tag the repository if it is yours");
	return err->errnum;
}

/* Lambda pulls the image itself; this allows it for functions of this account only. */
static int repository_ensure_policy(struct operation *op, struct error *err)
{
	const char *versions[] = {NULL, NULL};
	const struct own_policy policy = {.what = "the policy of the image repository",
					  .consequence = "Lambda may not be able to pull the image",
					  .console = "the ECR console (Repositories, Permissions)",
					  .command = "aws ecr delete-repository-policy --repository-name",
					  .absent_code = "RepositoryPolicyNotFoundException",
					  .member = "policyText",
					  .versions = versions,
					  .get = ecr_get_repository_policy,
					  .put = ecr_set_repository_policy};
	_free_ char *text = NULL;

	if (asprintf(&text,
		     "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"LambdaPull\",\"Effect\":\"Allow\","
		     "\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},"
		     "\"Action\":[\"ecr:BatchGetImage\",\"ecr:GetDownloadUrlForLayer\"],"
		     "\"Condition\":{\"StringLike\":{\"aws:sourceArn\":\"arn:%s:lambda:%s:%s:function:*\"}}}]}",
		     aws_partition_of(aws_region(op->aws))->name, aws_region(op->aws), op->account) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	versions[0] = text;
	return own_policy_ensure(op, &policy, op->name, err);
}

/* Interrupted pushes leave images without a tag. */
static int repository_ensure_lifecycle(struct operation *op, struct error *err)
{
	static const char *const versions[] = {
		"{\"rules\":[{\"rulePriority\":1,\"description\":\"untagged images\",\"selection\":{\"tagStatus\":"
		"\"untagged\",\"countType\":\"sinceImagePushed\",\"countUnit\":\"days\",\"countNumber\":7},"
		"\"action\":{\"type\":\"expire\"}}]}",
		NULL};
	static const struct own_policy policy = {.what = "the lifecycle policy of the image repository",
						 .consequence = "images of interrupted pushes may stay and be billed",
						 .console = "the ECR console (Repositories, Lifecycle policy)",
						 .command = "aws ecr delete-lifecycle-policy --repository-name",
						 .absent_code = "LifecyclePolicyNotFoundException",
						 .member = "lifecyclePolicyText",
						 .versions = versions,
						 .get = ecr_get_lifecycle_policy,
						 .put = ecr_put_lifecycle_policy};

	return own_policy_ensure(op, &policy, op->name, err);
}

static int repository_take_uri(struct operation *op, const cJSON *reply)
{
	free(op->repository_uri);
	op->repository_uri = strdup(aws_text(reply, "repositories.0.repositoryUri"));
	return op->repository_uri ? 0 : -ENOMEM;
}

static int repository_describe(struct operation *op, cJSON **ret, struct error *err)
{
	int r = operation_call(op, ecr_describe_repository(op->name), ret, err);

	return r < 0 && error_has_code(err, "RepositoryNotFoundException") ? -ENOENT : r;
}

int repository_ensure(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = repository_describe(op, &reply, err);

	if (r == -ENOENT) {
		r = operation_call(op, ecr_create_repository(op->name, settings_get(op->settings, SETTING_STAGE)), NULL,
				   err);
		if (r < 0 && !error_has_code(err, "RepositoryAlreadyExistsException"))
			return r;
		operation_say(op, "created the image repository %s", op->name);
		r = repository_describe(op, &reply, err);
	}
	if (r == 0)
		r = repository_refuse_foreign(op, aws_text(reply, "repositories.0.repositoryArn"), err);
	if (r == 0)
		r = repository_take_uri(op, reply);
	cJSON_Delete(reply);
	if (r == 0)
		r = repository_ensure_policy(op, err);
	return r < 0 ? r : repository_ensure_lifecycle(op, err);
}

int repository_find(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = repository_describe(op, &reply, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = repository_refuse_foreign(op, aws_text(reply, "repositories.0.repositoryArn"), err);
	if (r == 0)
		r = repository_take_uri(op, reply);
	cJSON_Delete(reply);
	return r;
}

int repository_delete(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = repository_describe(op, &reply, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = repository_refuse_foreign(op, aws_text(reply, "repositories.0.repositoryArn"), err);
	cJSON_Delete(reply);
	if (r == -EEXIST) {
		job_log(op->job, "left alone: %s", err->message);
		return 0;
	}
	if (r == 0)
		r = operation_call(op, ecr_delete_repository(op->name), NULL, err);
	return r < 0 && error_has_code(err, "RepositoryNotFoundException") ? 0 : r;
}
