/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/iam.h"

#include "aws/services/service.h"

struct aws_request *iam_create_service_linked_role(const char *service)
{
	struct aws_request *r = aws_request_new(&aws_service_iam, "CreateServiceLinkedRole");

	aws_put_text(&r, "AWSServiceName", service);
	return r;
}

struct aws_request *iam_get_policy(const char *arn)
{
	AWS_SHAPE(policy, {"Policy", AWS_OBJECT}, {"Policy.IsAttachable", AWS_BOOL | AWS_OPTIONAL});
	AWS_ECHOES(about, {"Policy.Arn", "PolicyArn"});
	struct aws_request *r = aws_request_new(&aws_service_iam, "GetPolicy");

	aws_put_members(r, policy);
	aws_put_echoes(r, about);
	aws_put_text(&r, "PolicyArn", arn);
	return r;
}
