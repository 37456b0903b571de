/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ssm.h - the sessions of Systems Manager, which ECS Exec uses. Source: AWS's service model
 * 2014-11-06. Every function makes one request, NULL without memory; strings are copied.
 */
#ifndef VASTFS_AWS_SSM_H
#define VASTFS_AWS_SSM_H

#include "aws/aws.h"

/* Reply: TokenValue, StreamUrl. The session must not have ended. */
struct aws_request *ssm_resume_session(const char *session_id);
struct aws_request *ssm_terminate_session(const char *session_id);

#endif
