/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ssm.h - builds the requests to Systems Manager that resume and end a session. ECS Exec uses these sessions.
 *
 * Each function returns one request, which the caller owns, or NULL without memory. Strings are copied. The functions
 * are pure, and any thread may call them.
 *
 * Source: AWS's service model 2014-11-06.
 */
#ifndef VASTFS_AWS_SSM_H
#define VASTFS_AWS_SSM_H

#include "aws/aws.h"

/* Reply: TokenValue, StreamUrl. Only a session that has not ended can be resumed. */
struct aws_request *ssm_resume_session(const char *session_id);
struct aws_request *ssm_terminate_session(const char *session_id);

#endif
