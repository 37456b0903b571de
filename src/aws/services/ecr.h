/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ecr.h - builds the requests to Elastic Container Registry.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2015-09-21.
 */
#ifndef VASTFS_AWS_ECR_H
#define VASTFS_AWS_ECR_H

#include "aws/aws.h"

/* Reply: repositories. AWS returns RepositoryNotFoundException if the repository does not exist. */
struct aws_request *ecr_describe_repository(const char *name);
struct aws_request *ecr_create_repository(const char *name, const char *stage);
struct aws_request *ecr_delete_repository(const char *name); /* deletes the images, too */
struct aws_request *ecr_list_tags_for_resource(const char *arn);
/* Reply: policyText. AWS returns RepositoryPolicyNotFoundException if the repository has no policy. */
struct aws_request *ecr_get_repository_policy(const char *name);
struct aws_request *ecr_set_repository_policy(const char *name, const char *policy);
/*
 * Reply: lifecyclePolicyText. AWS returns LifecyclePolicyNotFoundException if the repository has no lifecycle policy.
 */
struct aws_request *ecr_get_lifecycle_policy(const char *name);
struct aws_request *ecr_put_lifecycle_policy(const char *name, const char *policy);

/* Reply: authorizationData with one entry: authorizationToken (a secret, valid for 12 h) and proxyEndpoint. */
struct aws_request *ecr_get_authorization_token(void);

/* Reply: imageDetails, all pages. */
struct aws_request *ecr_describe_images(const char *name);

/* Reply: imageDetails of one image. AWS returns ImageNotFoundException if no image has this digest. */
struct aws_request *ecr_describe_image(const char *name, const char *digest);

/* Sets tags of the repository, not of its images. */
struct aws_pair;
struct aws_request *ecr_tag_resource(const char *arn, const struct aws_pair *tags, size_t tags_n);

/* digests contains at most 100 strings, which are copied. Reply: failures, with the images that were not deleted. */
struct aws_request *ecr_batch_delete_image(const char *name, const cJSON *digests);

#endif
