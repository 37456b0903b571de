/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/kms.h"

#include "aws/services/service.h"
#include "base/json.h"

struct aws_request *kms_generate_session_key(const char *key_id, const char *session_id, const char *target)
{
	AWS_SHAPE(key, {"CiphertextBlob", AWS_STRING}, {"Plaintext", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_kms, "GenerateDataKey");
	int e = 0;
	cJSON *context = json_object(&e);

	json_add_text(&e, context, "aws:ssm:SessionId", session_id);
	json_add_text(&e, context, "aws:ssm:TargetId", target);
	aws_put_members(r, key);
	aws_put_text(&r, "KeyId", key_id);
	aws_put_number(&r, "NumberOfBytes", 64);
	aws_put_whole(&r, "EncryptionContext", context, e);
	return r;
}
