/*
 * ecr.h - calls of the Elastic Container Registry. Source: its API reference, version 2015-09-21.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_ECR_H
#define VASTFS_AWS_ECR_H

#include "aws/aws.h"
#include "aws/service.h"

/* Reply: repository. RepositoryAlreadyExistsException: it is there. */
struct aws_request *aws_ecr_create_repository(const char *name, const struct aws_pair *tags, size_t tag_count);

/* Reply: repositories. */
struct aws_request *aws_ecr_describe_repository(const char *name);

/* Reply: tags. */
struct aws_request *aws_ecr_list_tags(const char *arn);

struct aws_request *aws_ecr_set_repository_policy(const char *name, const char *policy);

/* All pages. Reply: imageDetails. */
struct aws_request *aws_ecr_describe_images(const char *name);

/* At most 100 digests. Reply: imageIds, failures. */
struct aws_request *aws_ecr_batch_delete_images(const char *name, const char *const *digests, size_t count);

/* With all its images. */
struct aws_request *aws_ecr_delete_repository(const char *name);

/* Reply: authorizationData.0.authorizationToken (base64 of user:password), expiresAt, proxyEndpoint. */
struct aws_request *aws_ecr_get_authorization_token(void);

#endif
