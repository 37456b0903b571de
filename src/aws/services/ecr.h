/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ecr.h - Elastic Container Registry. Source: AWS's service model 2015-09-21.
 *
 * Every function makes one request, NULL without memory; strings are copied.
 */
#ifndef VASTFS_AWS_ECR_H
#define VASTFS_AWS_ECR_H

#include "aws/aws.h"

/* Reply: repositories. RepositoryNotFoundException if there is none. */
struct aws_request *ecr_describe_repository(const char *name);
struct aws_request *ecr_create_repository(const char *name, const char *stage);
struct aws_request *ecr_delete_repository(const char *name); /* with the images in it */
struct aws_request *ecr_list_tags_for_resource(const char *arn);
/* Reply: policyText. RepositoryPolicyNotFoundException if there is none. */
struct aws_request *ecr_get_repository_policy(const char *name);
struct aws_request *ecr_set_repository_policy(const char *name, const char *policy);
/* Reply: lifecyclePolicyText. LifecyclePolicyNotFoundException if there is none. */
struct aws_request *ecr_get_lifecycle_policy(const char *name);
struct aws_request *ecr_put_lifecycle_policy(const char *name, const char *policy);

/* Reply: authorizationData, one entry: authorizationToken (a secret, good for 12 h) and proxyEndpoint. */
struct aws_request *ecr_get_authorization_token(void);

/* Reply: imageDetails, all pages. */
struct aws_request *ecr_describe_images(const char *name);

/* One of them. ImageNotFoundException if there is none of that digest. Reply: imageDetails. */
struct aws_request *ecr_describe_image(const char *name, const char *digest);

/* Sets tags of a repository (not of its images). */
struct aws_pair;
struct aws_request *ecr_tag_resource(const char *arn, const struct aws_pair *tags, size_t tags_n);

/* digests: at most 100 strings, copied. Reply: failures, of those that could not be removed. */
struct aws_request *ecr_batch_delete_image(const char *name, const cJSON *digests);

#endif
