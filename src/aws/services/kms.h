/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kms.h - builds the request to Key Management Service that creates the key of an encrypted session.
 *
 * The caller owns the request. Strings are copied. The function is pure, and any thread may call it.
 *
 * Source: AWS's service model 2014-11-01.
 */
#ifndef VASTFS_AWS_KMS_H
#define VASTFS_AWS_KMS_H

#include "aws/aws.h"

/*
 * Generates 64 bytes for a Session Manager session. The encryption context binds them to the session and its target.
 * Reply: Plaintext and CiphertextBlob, both base64. Returns NULL without memory.
 */
struct aws_request *kms_generate_session_key(const char *key_id, const char *session_id, const char *target);

#endif
