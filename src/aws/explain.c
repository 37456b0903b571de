/* SPDX-License-Identifier: BSD-3-Clause */
/* What AWS's error codes mean to vastfs and what a person can do about them, as data. */
#include "aws/protocol/protocol.h"

#include <string.h>

static const char refresh[] = "touch control/login signs in to IAM Identity Center; if the keys come from elsewhere, "
			      "put new ones there and touch "
			      "control/refresh";
static const char wrong_keys[] =
	"cat whoami shows where the keys come from: put right ones there and touch control/refresh, or name another "
	"profile "
	"by aws_profile in config/default.env; aws sts get-caller-identity checks the same keys";
static const char permission[] = "ask whoever administers the account for this permission";

static const struct {
	const char *code; /* a "*" at its end stands for any text */
	int errnum;
	const char *remedy;
} meanings[] = {
	{"ExpiredToken*", -ENOKEY, refresh},
	{"RequestExpired", -ENOKEY, "check this machine's clock: timedatectl"},
	{"RequestTimeTooSkewed", -EIO, "check this machine's clock: timedatectl"},
	{"RequestInTheFuture", -EIO, "check this machine's clock: timedatectl"},
	{"UnrecognizedClientException", -ENOKEY, wrong_keys},
	{"InvalidClientTokenId", -ENOKEY, wrong_keys},
	{"InvalidAccessKeyId", -ENOKEY, wrong_keys},
	{"AuthFailure", -ENOKEY, wrong_keys},
	{"SignatureDoesNotMatch", -ENOKEY, wrong_keys},
	{"InvalidSignatureException", -ENOKEY, wrong_keys},
	{"IncompleteSignature*", -ENOKEY, wrong_keys},
	{"MissingAuthenticationToken*", -ENOKEY, wrong_keys},
	{"AccessDenied*", -EIO, permission},
	{"UnauthorizedOperation", -EIO, permission},
	{"OptInRequired", -EIO, "enable the region or the service for this account"},
	{"RequestLimitExceeded", -EIO, "too many calls for this account; wait a minute"},
	{"Throttling*", -EIO, "too many calls for this account; wait a minute"},
	{"TooManyRequestsException", -EIO, "too many calls for this account; wait a minute"},
	{"ServiceUnavailable*", -EIO, "AWS has a problem; wait and see https://health.aws.amazon.com"},
	{"InternalFailure", -EIO, "AWS has a problem; wait and see https://health.aws.amazon.com"},
	{"InternalError", -EIO, "AWS has a problem; wait and see https://health.aws.amazon.com"},
};

static bool explain_matches(const char *pattern, const char *code)
{
	size_t len = strcspn(pattern, "*");

	return strncmp(pattern, code, len) == 0 && (pattern[len] == '*' || !code[len]);
}

/* EC2 says AuthFailure also of a resource that is not ours to release: only without a "resource" it is about keys. */
static bool explain_is_about_resource(const struct error *err)
{
	return strcmp(err->code, "AuthFailure") == 0 && strstr(err->message, "specified resource");
}

void aws_explain(struct error *err)
{
	err->errnum = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (!explain_matches(meanings[i].code, err->code) || explain_is_about_resource(err))
			continue;
		err->errnum = meanings[i].errnum;
		snprintf(err->remedy, sizeof(err->remedy), "%s", meanings[i].remedy);
		return;
	}
}
