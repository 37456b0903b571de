/* sts.h - Security Token Service. Source: AWS's service model 2011-06-15. */
#ifndef VASTFS_AWS_STS_H
#define VASTFS_AWS_STS_H

#include "aws/aws.h"

/* Reply: Account, Arn, UserId. */
struct aws_request *sts_get_caller_identity(void);

#endif
