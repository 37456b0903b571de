/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/service_quotas.h"

#include "aws/services/service.h"

struct aws_request *quotas_get(const char *service_code, const char *quota_code)
{
	AWS_SHAPE(quota, {"Quota", AWS_OBJECT}, {"Quota.Value", AWS_NUMBER});
	AWS_ECHOES(about, {"Quota.ServiceCode", "ServiceCode"}, {"Quota.QuotaCode", "QuotaCode"});
	struct aws_request *r = aws_request_new(&aws_service_quotas, "GetServiceQuota");

	aws_put_members(r, quota);
	aws_put_echoes(r, about);
	aws_put_text(&r, "ServiceCode", service_code);
	aws_put_text(&r, "QuotaCode", quota_code);
	return r;
}
