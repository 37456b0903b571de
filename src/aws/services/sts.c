/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/sts.h"

#include "aws/services/service.h"

struct aws_request *sts_get_caller_identity(void)
{
	AWS_SHAPE(identity, {"Account", AWS_STRING}, {"Arn", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_sts, "GetCallerIdentity");

	aws_put_members(r, identity);
	return r;
}

static struct aws_request *sts_role_request(const char *operation, const struct sts_role *role)
{
	AWS_SHAPE(credentials, {"Credentials", AWS_OBJECT}, {"Credentials.AccessKeyId", AWS_STRING},
		  {"Credentials.SecretAccessKey", AWS_STRING}, {"Credentials.SessionToken", AWS_STRING},
		  {"Credentials.Expiration", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_sts, operation);

	aws_put_text(&r, "RoleArn", role->arn);
	aws_put_text(&r, "RoleSessionName", role->session_name);
	if (role->duration_s)
		aws_put_number(&r, "DurationSeconds", role->duration_s);
	aws_put_members(r, credentials);
	return r;
}

struct aws_request *sts_assume_role(const struct sts_role *role)
{
	struct aws_request *r = sts_role_request("AssumeRole", role);

	aws_put_text(&r, "ExternalId", role->external_id);
	return r;
}

struct aws_request *sts_assume_role_with_web_identity(const struct sts_role *role)
{
	struct aws_request *r = sts_role_request("AssumeRoleWithWebIdentity", role);

	aws_put_text(&r, "WebIdentityToken", role->web_identity_token);
	return r;
}
