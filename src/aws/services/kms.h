/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kms.h - Key Management Service. Source: AWS's service model 2014-11-01.
 */
#ifndef VASTFS_AWS_KMS_H
#define VASTFS_AWS_KMS_H

#include "aws/aws.h"

/*
 * 64 bytes for a Session Manager session, bound to it and its target. Reply: Plaintext, CiphertextBlob, both base64.
 * NULL without memory.
 */
struct aws_request *kms_generate_session_key(const char *key_id, const char *session_id, const char *target);

#endif
