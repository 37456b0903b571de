#include "aws/iam.h"

struct aws_request *aws_iam_create_service_linked_role(const char *service_name)
{
	struct aws_request *r = aws_request_new(&aws_service_iam, "CreateServiceLinkedRole");

	aws_put_text(&r, "AWSServiceName", service_name);
	return r;
}
