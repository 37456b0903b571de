#include "aws/sts.h"

#include "aws/service.h"

struct aws_request *sts_get_caller_identity(void)
{
	return aws_request_new(&aws_service_sts, "GetCallerIdentity");
}
