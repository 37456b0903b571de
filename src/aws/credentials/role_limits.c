/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/role_limits.h"

#include "aws/credentials/words.h"

#include <limits.h>
#include <string.h>

#define ARN_MIN	       20 /* characters */
#define TEXT_MIN       2
#define DURATION_MIN_S 900

static int role_check_length(const char *option, const char *value, size_t least, struct error *err)
{
	if (!value || strlen(value) >= least)
		return 0;
	return error_set(err, -ENOKEY, "%s is '%s'; AWS expects %zu characters or more", option, value, least);
}

int role_check(const char *arn, const char *session, const char *external_id, struct error *err)
{
	int r = role_check_length("role_arn", arn, ARN_MIN, err);

	if (r == 0 && session && *session)
		r = role_check_length("role_session_name", session, TEXT_MIN, err);
	return r < 0 ? r : role_check_length("external_id", external_id, TEXT_MIN, err);
}

int role_duration(const char *text, int *ret, struct error *err)
{
	long n;

	*ret = 0;
	if (!text || words_integer(text, &n) < 0)
		return 0;
	if (n < DURATION_MIN_S)
		return error_set(err, -ENOKEY, "duration_seconds is %s; AWS expects %d or more", text, DURATION_MIN_S);
	*ret = n < INT_MAX ? (int)n : INT_MAX;
	return 0;
}
