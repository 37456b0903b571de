/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/sso_login.h"

#include "aws/client.h"
#include "aws/credentials/chain.h"
#include "aws/credentials/sso_cache.h"
#include "aws/services/sso.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

#include <string.h>

#define LOGIN_CLIENT_NAME      "vastfs"
#define LOGIN_SCOPE	       "sso:account:access"
#define LOGIN_GRANT	       "urn:ietf:params:oauth:grant-type:device_code"
#define LOGIN_INTERVAL_S       5 /* if the service names no interval; RFC 8628, section 3.2 */
#define LOGIN_INTERVAL_MOST_S  60
#define LOGIN_SLOW_DOWN_S      5 /* RFC 8628, section 3.5 */
#define LOGIN_VALID_MOST_S     3600
#define LOGIN_REGISTRATION_MAX INT64_C(253402300799) /* the end of the year 9999, in seconds */

struct sso_login {
	struct aws *aws;
	const struct sso_login_events *events;
	void *arg;
	struct credential_source *source,
		*sso; /* source: the client's credential source; sso: the source in its chain that needs the sign-in */
	struct aws_call *call;
	struct engine_timer timer;
	cJSON *registration; /* clientId, clientSecret, clientSecretExpiresAt; a secret */
	char *device_code;
	int64_t interval_s, until_ms; /* monotonic */
	bool in_trouble;
};

/* -- the source ------------------------------------------------------------------------------------------------ */

static int login_refuse(const char *whence, struct error *err)
{
	error_set(err, -EINVAL, "the credentials do not come from IAM Identity Center, but from: %s", whence);
	error_remedy(err, "set aws_profile in config/default.env to a profile of ~/.aws/config with sso_session, "
			  "sso_account_id and sso_role_name; README.md, \"Sign in\", shows one");
	return -EINVAL;
}

/* The source itself or, for an assumed role, the source whose credentials assume it. */
static struct credential_source *login_sso_of(struct credential_source *s)
{
	while (s && s->kind == CREDENTIAL_ROLE)
		s = s->source;
	return s && s->kind == CREDENTIAL_SSO ? s : NULL;
}

static int login_find_source(struct aws *a, struct credential_source **ret, struct error *err)
{
	struct aws_profiles profiles;
	int r = aws_profiles_load(&profiles, err);

	*ret = NULL;
	if (r == 0)
		r = credential_chain_find(&profiles, a->options.profile, ret, err);
	aws_profiles_free(&profiles);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0) {
		err->errnum = -EINVAL;
		return error_prefix(err, "cannot sign in");
	}
	return login_sso_of(*ret) ? 0 : login_refuse((*ret)->label, err);
}

int aws_check_login(struct aws *a, struct error *err)
{
	char whence[256];

	if (credential_provider_signs_in(a->provider, whence, sizeof(whence)))
		return 0;
	return login_refuse(whence, err);
}

/* -- the end --------------------------------------------------------------------------------------------------- */

void sso_login_free(struct sso_login *l)
{
	if (!l)
		return;
	l->events = NULL;
	engine_timer_cancel(&l->timer);
	if (l->call)
		aws_cancel(move_ptr(l->call));
	secret_free_json(l->registration);
	secret_free_text(l->device_code);
	credential_source_free(l->source);
	aws_unref(l->aws);
	free(l);
}

static void login_end(struct sso_login *l, const struct error *err)
{
	if (l->events)
		l->events->done(l->sso->label, err, l->arg);
}

static void login_no_memory(struct sso_login *l)
{
	struct error err;

	error_set(&err, -ENOMEM, "out of memory");
	login_end(l, &err);
}

/* Makes one call. done receives its result, and nothing else retries a failed call. */
static void login_call(struct sso_login *l, struct aws_request *request,
		       void (*done)(struct aws_reply *reply, void *arg))
{
	if (request)
		request->quiet = true;
	l->call =
		request ? aws_start_as(l->aws, request, &(struct aws_as){.region = l->sso->sso_region}, done, l) : NULL;
	if (!l->call)
		login_no_memory(l);
}

/* -- the token ------------------------------------------------------------------------------------------------- */

static void login_put(int *r, cJSON *token, const char *name, const char *text)
{
	if (*text)
		json_add_text(r, token, name, text);
}

static int64_t login_registration_end_ms(const cJSON *registration)
{
	int64_t end_s = aws_integer(registration, "clientSecretExpiresAt", 0);

	return end_s > 0 && end_s <= LOGIN_REGISTRATION_MAX ? end_s * 1000 : 0;
}

/* The token in the format of the AWS CLI's cache file; NULL without memory. */
static cJSON *login_token(const struct sso_login *l, const cJSON *reply)
{
	int r = 0;
	cJSON *token = json_object(&r);
	char when[CLOCK_TEXT_SIZE];
	int64_t lasts_s = aws_integer(reply, "expiresIn", 0);

	login_put(&r, token, "startUrl", l->sso->start_url);
	login_put(&r, token, "region", l->sso->sso_region);
	login_put(&r, token, "accessToken", aws_text(reply, "accessToken"));
	login_put(&r, token, "expiresAt", clock_format(aws_now_ms(l->aws) + lasts_s * 1000, when));
	login_put(&r, token, "clientId", aws_text(l->registration, "clientId"));
	login_put(&r, token, "clientSecret", aws_text(l->registration, "clientSecret"));
	login_put(&r, token, "registrationExpiresAt", clock_format(login_registration_end_ms(l->registration), when));
	login_put(&r, token, "refreshToken", aws_text(reply, "refreshToken"));
	if (r < 0)
		secret_free_json(move_ptr(token));
	return token;
}

static void login_store(struct sso_login *l, const cJSON *reply)
{
	_secret_json_ cJSON *token = login_token(l, reply);
	struct error err = {0};
	int r = token ? sso_cache_write(l->sso, token, &err) : -ENOMEM;

	if (r < 0 && !error_is(&err))
		error_set(&err, r, "out of memory");
	if (r == 0)
		aws_renew_credentials(l->aws);
	login_end(l, &err);
}

/* -- polling --------------------------------------------------------------------------------------------------- */

static void login_poll(void *arg);

static void login_poll_later(struct sso_login *l)
{
	engine_timer_set(l->aws->engine, &l->timer, l->interval_s * 1000, login_poll, l);
}

static void login_expired(struct sso_login *l)
{
	struct error err;

	error_set(&err, -ETIMEDOUT, "the code was not confirmed in time");
	error_remedy(&err, "touch control/login for a new code");
	login_end(l, &err);
}

enum login_advice { LOGIN_GOES_ON, LOGIN_IN_TROUBLE, LOGIN_CODE_EXPIRED, LOGIN_FAILED };

/* Decides how to continue after CreateToken was refused. */
static enum login_advice login_judge(const struct error *err, int64_t *interval_s)
{
	if (error_has_code(err, "AuthorizationPendingException"))
		return LOGIN_GOES_ON;
	if (error_has_code(err, "SlowDownException")) {
		*interval_s += LOGIN_SLOW_DOWN_S;
		return LOGIN_GOES_ON;
	}
	if (error_has_code(err, "ExpiredTokenException"))
		return LOGIN_CODE_EXPIRED;
	return err->duration == ERROR_TRANSIENT || err->duration == ERROR_FIXABLE ? LOGIN_IN_TROUBLE : LOGIN_FAILED;
}

/* err is NULL when the service answers again. */
static void login_report_trouble(struct sso_login *l, const struct error *err)
{
	if (l->in_trouble != (err != NULL))
		l->events->trouble(err, l->arg);
	l->in_trouble = err != NULL;
}

static void login_failed(struct sso_login *l, const struct error *why)
{
	struct error err = *why;

	if (error_has_code(why, "AccessDeniedException"))
		error_set(&err, -ENOKEY, "the sign-in was denied in the browser");
	else
		error_prefix(&err, "cannot sign in at %s", l->sso->start_url);
	error_remedy(&err, "touch control/login for a new code");
	login_end(l, &err);
}

static void login_polled(struct aws_reply *reply, void *arg)
{
	struct sso_login *l = arg;
	enum login_advice advice;

	l->call = NULL;
	if (!l->events || reply->error.errnum == -ECANCELED)
		return;
	if (!error_is(&reply->error)) {
		login_store(l, reply->body);
		return;
	}
	advice = login_judge(&reply->error, &l->interval_s);
	if (advice == LOGIN_FAILED)
		login_failed(l, &reply->error);
	else if (advice == LOGIN_CODE_EXPIRED)
		login_expired(l);
	else
		login_poll_later(l);
	if (advice == LOGIN_IN_TROUBLE)
		login_report_trouble(l, &reply->error);
	else if (advice == LOGIN_GOES_ON)
		login_report_trouble(l, NULL);
}

static void login_poll(void *arg)
{
	struct sso_login *l = arg;
	const struct sso_token_request request = {.grant_type = LOGIN_GRANT,
						  .client_id = aws_text(l->registration, "clientId"),
						  .client_secret = aws_text(l->registration, "clientSecret"),
						  .device_code = l->device_code};

	if (clock_monotonic_ms() >= l->until_ms)
		login_expired(l);
	else
		login_call(l, sso_create_token(&request), login_polled);
}

/* -- the code -------------------------------------------------------------------------------------------------- */

/* The text is shown on terminals, so it must not contain blanks or control characters. */
static bool login_is_printable(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static bool login_is_url(const char *text)
{
	return login_is_printable(text) && (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0);
}

static int64_t login_between(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void login_prompt(struct sso_login *l, const cJSON *reply)
{
	const char *complete = aws_text(reply, "verificationUriComplete"), *code = aws_text(reply, "userCode");
	const char *url = login_is_url(complete) ? complete : aws_text(reply, "verificationUri");
	int64_t valid_s = login_between(aws_integer(reply, "expiresIn", 600), 1, LOGIN_VALID_MOST_S);
	struct error err;

	if (!login_is_url(url) || !login_is_printable(code)) {
		error_set(&err, -EBADMSG, "the sign-in service of %s sent no URL and code", l->sso->start_url);
		login_end(l, &err);
		return;
	}
	l->interval_s = login_between(aws_integer(reply, "interval", LOGIN_INTERVAL_S), 1, LOGIN_INTERVAL_MOST_S);
	l->until_ms = clock_monotonic_ms() + valid_s * 1000;
	l->device_code = secret_strdup(aws_text(reply, "deviceCode"));
	if (!l->device_code) {
		login_no_memory(l);
		return;
	}
	l->events->prompt(url, code, valid_s, l->arg);
	login_poll_later(l);
}

static bool login_ended(struct sso_login *l, struct aws_reply *reply, const char *what)
{
	l->call = NULL;
	if (!l->events || reply->error.errnum == -ECANCELED)
		return true;
	if (!error_is(&reply->error))
		return false;
	error_prefix(&reply->error, "cannot %s at %s in %s", what, l->sso->start_url, l->sso->sso_region);
	if (reply->error.duration == ERROR_PERMANENT)
		error_remedy(&reply->error, "check sso_start_url and sso_region in ~/.aws/config");
	login_end(l, &reply->error);
	return true;
}

static void login_authorized(struct aws_reply *reply, void *arg)
{
	struct sso_login *l = arg;

	if (!login_ended(l, reply, "start the sign-in"))
		login_prompt(l, reply->body);
}

static void login_registered(struct aws_reply *reply, void *arg)
{
	struct sso_login *l = arg;

	if (login_ended(l, reply, "register a client"))
		return;
	l->registration = move_ptr(reply->body);
	login_call(l,
		   sso_start_device_authorization(aws_text(l->registration, "clientId"),
						  aws_text(l->registration, "clientSecret"), l->sso->start_url),
		   login_authorized);
}

/* Without a scope, as in the older form without a session, the service issues no refresh token. */
static void login_register(void *arg)
{
	struct sso_login *l = arg;

	login_call(l, sso_register_client(LOGIN_CLIENT_NAME, l->sso->sso_session ? LOGIN_SCOPE : NULL),
		   login_registered);
}

int sso_login_start(struct aws *a, const struct sso_login_events *events, void *arg, struct sso_login **ret,
		    struct error *err)
{
	struct sso_login *l = calloc(1, sizeof(*l));
	int r = l ? login_find_source(a, &l->source, err) : error_set(err, -ENOMEM, "out of memory");

	if (r == 0) {
		l->sso = login_sso_of(l->source);
		r = sso_cache_prepare(l->sso, err);
	}
	if (r < 0) {
		sso_login_free(l);
		return r;
	}
	l->aws = aws_ref(a);
	l->events = events;
	l->arg = arg;
	engine_timer_set(a->engine, &l->timer, 0, login_register, l);
	*ret = l;
	return 0;
}

/* -- signing out ----------------------------------------------------------------------------------------------- */

static void sso_logout_answered(struct aws_reply *reply _unused_, void *arg)
{
	secret_free_text(arg);
}

/*
 * Ends the session at the portal as well, if the portal can be reached. A failure is harmless, because nobody can use
 * the session without the deleted token.
 */
static void sso_logout_at_portal(struct aws *a, const struct credential_source *sso, const cJSON *token)
{
	char *header = secret_printf("x-amz-sso_bearer_token: %s", aws_text(token, "accessToken"));
	struct aws_request *request = header ? sso_portal_logout(header) : NULL;

	if (request)
		request->quiet = true;
	if (!request ||
	    !aws_start_as(a, request, &(struct aws_as){.region = sso->sso_region}, sso_logout_answered, header))
		secret_free_text(header);
}

static int sso_logout_source(struct aws *a, const struct credential_source *sso, struct error *err)
{
	_secret_json_ cJSON *token = NULL;
	struct error unreadable;
	int r;

	sso_cache_read(sso, &token, &unreadable);
	r = sso_cache_remove(sso, err);
	if (r == -ENOENT)
		error_set(err, r, "%s: nobody is signed in", sso->label);
	if (r == 0 && token)
		sso_logout_at_portal(a, sso, token);
	aws_renew_credentials(a);
	return r;
}

int sso_logout(struct aws *a, char **ret_source, struct error *err)
{
	struct credential_source *source;
	int r = login_find_source(a, &source, err);

	*ret_source = NULL;
	if (r == 0)
		r = sso_logout_source(a, login_sso_of(source), err);
	if (r == 0 && !(*ret_source = strdup(login_sso_of(source)->label)))
		r = error_set(err, -ENOMEM, "out of memory");
	credential_source_free(source);
	return r;
}
