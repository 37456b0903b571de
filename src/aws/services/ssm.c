/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/ssm.h"

#include "aws/services/service.h"

static struct aws_request *ssm_of_session(const char *operation, const char *session_id)
{
	struct aws_request *r = aws_request_new(&aws_service_ssm, operation);

	aws_put_text(&r, "SessionId", session_id);
	return r;
}

struct aws_request *ssm_resume_session(const char *session_id)
{
	AWS_SHAPE(resumed, {"TokenValue", AWS_STRING | AWS_OPTIONAL}, {"StreamUrl", AWS_STRING | AWS_OPTIONAL});
	AWS_ECHOES(about, {"SessionId", "SessionId"});
	struct aws_request *r = ssm_of_session("ResumeSession", session_id);

	aws_put_members(r, resumed);
	aws_put_echoes(r, about);
	return r;
}

struct aws_request *ssm_terminate_session(const char *session_id)
{
	struct aws_request *r = ssm_of_session("TerminateSession", session_id);

	if (r)
		r->quiet = true; /* usually the session has ended already */
	return r;
}
