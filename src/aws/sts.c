#include "aws/sts.h"

#include "aws/service.h"

struct aws_request *sts_get_caller_identity(void)
{
	AWS_SHAPE(identity, {"Account", AWS_STRING}, {"Arn", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_sts, "GetCallerIdentity");

	aws_put_members(r, identity);
	return r;
}
