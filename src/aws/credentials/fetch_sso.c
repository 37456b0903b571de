/* SPDX-License-Identifier: BSD-3-Clause */
/* Gets a role's credentials from IAM Identity Center with the cached token, which is refreshed first if possible. */
#include "aws/credentials/fetch_internal.h"

#include "aws/credentials/sso_cache.h"
#include "aws/services/sso.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

#include <string.h>

#define TOKEN_AHEAD_MS (15 * 60 * 1000) /* a token is refreshed 15 minutes before it expires */

static const struct aws_credentials_names sso_names = {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"};

static const char *sso_text(const struct credential_fetch *f, const char *member)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->token, member));

	return text ? text : "";
}

/* Fails with a request to sign in: the token was refused, or it has expired and cannot be refreshed. */
static void sso_expired(struct credential_fetch *f, const char *why)
{
	struct error err = {0};

	error_set(&err, -ENOKEY, "%s: the sign-in to IAM Identity Center has expired%s%s", f->source->label,
		  *why ? ": " : "", why);
	error_remedy(&err, "touch control/login");
	fetch_fail(f, &err);
}

/* -- the role's credentials ------------------------------------------------------------------------------------ */

static void sso_answered(struct aws_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;

	f->call = NULL;
	if (error_has_code(&reply->error, "UnauthorizedException")) {
		sso_expired(f, "");
		return;
	}
	if (error_is(&reply->error)) {
		error_prefix(&reply->error, "%s: cannot get the keys of role %s in account %s", f->source->label,
			     f->source->role_name, f->source->account_id);
		fetch_fail(f, &reply->error);
		return;
	}
	fetch_take(f, aws_at(reply->body, "roleCredentials"), &sso_names);
}

static int sso_ask_keys(struct credential_fetch *f, struct error *err)
{
	const struct aws_as as = {.identity = NULL, .region = f->source->sso_region};

	f->header = secret_printf("x-amz-sso_bearer_token: %s", sso_text(f, "accessToken"));
	if (!f->header)
		return error_set(err, -ENOMEM, "out of memory");
	return fetch_call(f, sso_get_role_credentials(f->source->role_name, f->source->account_id, f->header), &as,
			  sso_answered, err);
}

/* -- token refresh --------------------------------------------------------------------------------------------- */

static int64_t sso_left_ms(const struct credential_fetch *f, const char *member)
{
	int64_t when_ms = clock_parse(sso_text(f, member));

	return when_ms > 0 ? when_ms - aws_now_ms(f->aws) : -1;
}

static void sso_set(int *r, cJSON *token, const char *member, const char *text)
{
	if (!text || !*text || *r < 0)
		return;
	secret_free_json(cJSON_DetachItemFromObjectCaseSensitive(token, member));
	json_add_text(r, token, member, text);
}

/* Keeps the members that the reply does not name, as the AWS CLI does. */
static int sso_take_token(struct credential_fetch *f, const cJSON *reply)
{
	char when[CLOCK_TEXT_SIZE];
	struct error ignored = {0};
	int r = 0;

	sso_set(&r, f->token, "accessToken", aws_text(reply, "accessToken"));
	sso_set(&r, f->token, "refreshToken", aws_text(reply, "refreshToken"));
	sso_set(&r, f->token, "expiresAt",
		clock_format(aws_now_ms(f->aws) + aws_integer(reply, "expiresIn", 0) * 1000, when));
	sso_set(&r, f->token, "startUrl", f->source->start_url);
	sso_set(&r, f->token, "region", f->source->sso_region);
	if (r == 0)
		sso_cache_write(f->source, f->token, &ignored); /* a failure affects other processes only */
	return r;
}

static void sso_refreshed(struct aws_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;
	struct error err = reply->error;
	int r = 0;

	f->call = NULL;
	if (!error_is(&reply->error)) {
		r = sso_take_token(f, reply->body);
		if (r < 0)
			error_set(&err, r, "out of memory");
	} else if (err.errnum == -ECANCELED || sso_left_ms(f, "expiresAt") <= 0) {
		if (reply->status >= 400 && reply->status < 500)
			sso_expired(f, err.message);
		else
			fetch_fail(f, &err);
		return;
	}
	if (r < 0 || sso_ask_keys(f, &err) < 0)
		fetch_fail(f, &err);
}

static bool sso_can_refresh(const struct credential_fetch *f)
{
	return f->source->sso_session && *sso_text(f, "refreshToken") && *sso_text(f, "clientId") &&
	       *sso_text(f, "clientSecret") && sso_left_ms(f, "registrationExpiresAt") > 0;
}

static int sso_refresh(struct credential_fetch *f, struct error *err)
{
	const struct sso_token_request request = {.grant_type = "refresh_token",
						  .client_id = sso_text(f, "clientId"),
						  .client_secret = sso_text(f, "clientSecret"),
						  .refresh_token = sso_text(f, "refreshToken")};

	return fetch_call(f, sso_create_token(&request), &(struct aws_as){.region = f->source->sso_region},
			  sso_refreshed, err);
}

int fetch_sso_start(struct credential_fetch *f, struct error *err)
{
	int64_t left_ms;
	int r = sso_cache_read(f->source, &f->token, err);

	if (r < 0)
		return r;
	left_ms = sso_left_ms(f, "expiresAt");
	if (left_ms < TOKEN_AHEAD_MS && sso_can_refresh(f))
		return sso_refresh(f, err);
	if (left_ms > 0)
		return sso_ask_keys(f, err);
	error_set(err, -ENOKEY, "%s: the sign-in to IAM Identity Center has expired", f->source->label);
	error_remedy(err, "touch control/login");
	return -ENOKEY;
}
