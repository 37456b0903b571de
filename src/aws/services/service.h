/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service.h - the table of AWS services, and the functions that build their requests.
 *
 * A new call needs one function in the file of its service: it creates a request, fills its params and returns it, or
 * NULL without memory. A new service needs a row in service.c. The functions are pure, and any thread may call them.
 * The caller owns every request.
 */
#ifndef VASTFS_AWS_SERVICE_H
#define VASTFS_AWS_SERVICE_H

#include "aws/aws.h"

extern const struct aws_service aws_service_cloudformation, aws_service_ec2, aws_service_ecr, aws_service_ecs,
	aws_service_efs, aws_service_iam, aws_service_kms, aws_service_lambda, aws_service_logs, aws_service_quotas,
	aws_service_ssm, aws_service_sso, aws_service_sso_oidc, aws_service_sts;

extern const struct aws_service *const aws_services[]; /* all services, NULL at the end */

/* The service with this name, or NULL. */
const struct aws_service *aws_service_named(const char *name);

struct aws_pair {
	const char *key;
	const char *value;
};

/*
 * Each of these functions adds a member to the params of a request. They do nothing if *r is NULL, and they omit values
 * that are NULL, so that a call is a plain list of them. Without memory they free the request and set *r to NULL.
 */
void aws_put_text(struct aws_request **r, const char *name, const char *value);
void aws_put_number(struct aws_request **r, const char *name, double value);
void aws_put_flag(struct aws_request **r, const char *name, bool value);
void aws_put_node(struct aws_request **r, const char *name, cJSON *value); /* takes ownership of value */
/* As aws_put_node(), for a value built with base/json.h; e: the result of the functions that built it. */
void aws_put_whole(struct aws_request **r, const char *name, cJSON *value, int e);
void aws_put_texts(struct aws_request **r, const char *name, const char *const *values, size_t count);
/* [{key_name: key, value_name: value}, ...] */
void aws_put_pairs(struct aws_request **r, const char *name, const char *key_name, const char *value_name,
		   const struct aws_pair *pairs, size_t count);
/* Appends {"Name": name, "Value": [value]} to Filter in the params, as EC2 expects it. */
void aws_put_filter(struct aws_request **r, const char *name, const char *value);

/*
 * REST: a request without params. The path is the concatenation of three parts; the middle one is URL-encoded, or NULL.
 */
struct aws_request *aws_rest_new(const struct aws_service *service, const char *operation, const char *method,
				 const char *path_before, const char *segment, const char *path_behind);
/* REST: adds one parameter to the query string. value is URL-encoded here. */
void aws_put_query(struct aws_request **r, const char *name, const char *value);
/* REST: gives the request a body. */
void aws_put_body(struct aws_request **r);

/* Sets how the pages of the reply are read; see struct aws_paging. */
void aws_put_paging(struct aws_request *r, const char *token_in, const char *token_out, const char *list);
void aws_put_bound(struct aws_request *r, const char *list, int most); /* limits a reply without pages */
void aws_put_members(struct aws_request *r,
		     const struct aws_member *members); /* the expected members of the reply; r may be NULL */
void aws_put_echoes(struct aws_request *r, const struct aws_echo *echoes); /* r may be NULL */
void aws_put_retry(struct aws_request *r, enum aws_retry retry);	   /* r may be NULL */

#endif
