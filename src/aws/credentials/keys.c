/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/keys.h"

#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>

#define RENEWAL_AHEAD_MS (15 * 60 * 1000) /* the AWS CLI's advisory refresh window */

int64_t aws_credentials_renewal_ms(int64_t fetched_ms, int64_t expires_ms)
{
	int64_t half_ms = (expires_ms - fetched_ms) / 2;

	return expires_ms - (half_ms < RENEWAL_AHEAD_MS ? half_ms : RENEWAL_AHEAD_MS);
}

void aws_credentials_free(struct aws_credentials *c)
{
	secret_free_text(c->key_id);
	secret_free_text(c->secret);
	secret_free_text(c->token);
	*c = (struct aws_credentials){0};
}

int aws_credentials_parse(const char *text, cJSON **ret)
{
	errno = 0;
	*ret = cJSON_ParseWithOpts(text, NULL, true);
	return *ret ? 0 : errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

static const cJSON *keys_member(const cJSON *answer, const char *name)
{
	return name ? cJSON_GetObjectItemCaseSensitive(answer, name) : NULL;
}

/* The text becomes an HTTP header, which must not contain control characters. */
static bool keys_is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return true;
}

static int keys_take_text(const cJSON *answer, const char *name, bool required, char **ret, struct error *err)
{
	const cJSON *member = keys_member(answer, name);
	const char *text = cJSON_GetStringValue(member);

	if (!text && (required || (member && !cJSON_IsNull(member))))
		return error_set(err, -EBADMSG, "the reply has no string %s", name);
	if (text && (!keys_is_plain(text) || (required && !*text)))
		return error_set(err, -EBADMSG, "%s in the reply is empty or contains a control character", name);
	*ret = secret_strdup(text ? text : "");
	return *ret ? 0 : -ENOMEM;
}

static int keys_take_expiry(const cJSON *answer, const char *name, int64_t *ret_ms, struct error *err)
{
	const cJSON *member = keys_member(answer, name);

	if (!member || cJSON_IsNull(member))
		return 0;
	if (cJSON_IsNumber(member) && member->valuedouble > 0 && member->valuedouble < 9e15)
		*ret_ms = (int64_t)member->valuedouble;
	else if (cJSON_IsString(member))
		*ret_ms = clock_parse(member->valuestring);
	if (*ret_ms <= 0)
		return error_set(err, -EBADMSG, "%s in the reply is not a time", name);
	return 0;
}

int aws_credentials_take(const cJSON *answer, const struct aws_credentials_names *names, struct aws_credentials *ret,
			 struct error *err)
{
	int r;

	*ret = (struct aws_credentials){0};
	r = keys_take_text(answer, names->key_id, true, &ret->key_id, err);
	if (r == 0)
		r = keys_take_text(answer, names->secret, true, &ret->secret, err);
	if (r == 0)
		r = keys_take_text(answer, names->token, false, &ret->token, err);
	if (r == 0)
		r = keys_take_expiry(answer, names->expiry, &ret->expires_ms, err);
	if (r < 0)
		aws_credentials_free(ret);
	return r;
}
