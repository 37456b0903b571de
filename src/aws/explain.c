/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of AWS's error codes: their errno and their remedy. */
#include "aws/protocol/protocol.h"
#include "aws/rights.h"

#include <string.h>

static const char refresh[] = "for keys of IAM Identity Center run: touch control/login; for other keys put new ones "
			      "into their source and run: touch "
			      "control/refresh";
static const char wrong_keys[] =
	"run: cat whoami, which shows the source of the keys; put valid keys there and run: touch control/refresh, or "
	"set "
	"aws_profile in config/default.env to another profile; the AWS CLI checks the same keys with: aws sts "
	"get-caller-identity";

static const struct {
	const char *code; /* a "*" at the end matches any text */
	int errnum;
	const char *remedy;
} meanings[] = {
	{"ExpiredToken*", -ENOKEY, refresh},
	{"RequestExpired", -ENOKEY, "check the clock of this machine; run: timedatectl"},
	{"RequestTimeTooSkewed", -EIO, "check the clock of this machine; run: timedatectl"},
	{"RequestInTheFuture", -EIO, "check the clock of this machine; run: timedatectl"},
	{"UnrecognizedClientException", -ENOKEY, wrong_keys},
	{"InvalidClientTokenId", -ENOKEY, wrong_keys},
	{"InvalidAccessKeyId", -ENOKEY, wrong_keys},
	{"AuthFailure", -ENOKEY, wrong_keys},
	{"SignatureDoesNotMatch", -ENOKEY, wrong_keys},
	{"InvalidSignatureException", -ENOKEY, wrong_keys},
	{"IncompleteSignature*", -ENOKEY, wrong_keys},
	{"MissingAuthenticationToken*", -ENOKEY, wrong_keys},
	{"OptInRequired", -EIO, "enable the region or the service for this account"},
	{"RequestLimitExceeded", -EIO, "wait a minute: the account has made too many calls"},
	{"Throttling*", -EIO, "wait a minute: the account has made too many calls"},
	{"TooManyRequestsException", -EIO, "wait a minute: the account has made too many calls"},
	{"ServiceUnavailable*", -EIO, "wait: the service is failing; see https://health.aws.amazon.com"},
	{"InternalFailure", -EIO, "wait: the service is failing; see https://health.aws.amazon.com"},
	{"InternalError", -EIO, "wait: the service is failing; see https://health.aws.amazon.com"},
};

static bool explain_matches(const char *pattern, const char *code)
{
	size_t len = strcspn(pattern, "*");

	return strncmp(pattern, code, len) == 0 && (pattern[len] == '*' || !code[len]);
}

/* EC2 also returns AuthFailure for a resource of another account: then the message names a "specified resource". */
static bool explain_is_about_resource(const struct error *err)
{
	return strcmp(err->code, "AuthFailure") == 0 && strstr(err->message, "specified resource");
}

void aws_explain(struct error *err, const char *action)
{
	err->errnum = -EIO;
	if (rights_are_missing(err))
		rights_remedy(err, action);
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (!explain_matches(meanings[i].code, err->code) || explain_is_about_resource(err))
			continue;
		err->errnum = meanings[i].errnum;
		snprintf(err->remedy, sizeof(err->remedy), "%s", meanings[i].remedy);
		return;
	}
}
