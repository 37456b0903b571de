/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/authenticate.h"

#include "aws/http_call.h"
#include "base/json.h"
#include "base/secret.h"
#include "image/challenge.h"
#include "image/url.h"

#include <string.h>

#define TIMEOUT_MS 60000
#define TOKEN_MAX  ((size_t)64 << 10)

static char *authenticate_token_url(const struct registry *r, const struct challenge *c)
{
	_free_ char *with_service = NULL, *scope = NULL;

	if (asprintf(&scope, "repository:%s:pull", r->name) < 0) {
		scope = NULL;
		return NULL;
	}
	with_service = *c->service ? image_url_with(c->realm, "service", c->service) : strdup(c->realm);
	return with_service ? image_url_with(with_service, "scope", *c->scope ? c->scope : scope) : NULL;
}

static bool authenticate_token_is_valid(const char *token)
{
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *token != '\0';
}

static int authenticate_token_keep(struct registry *r, const struct http_reply *reply, struct error *err)
{
	_secret_json_ cJSON *body = NULL;
	int e = json_parse(buf_str(&reply->body), reply->body.len, &body, NULL);
	const char *token = aws_text(body, "token");

	if (!*token)
		token = aws_text(body, "access_token");
	if (e == -ENOMEM)
		return e;
	if (!authenticate_token_is_valid(token))
		return error_set(err, -EBADMSG, "the reply of the registry's token service has no token");
	secret_free_text(r->authorization);
	r->authorization = secret_printf("Authorization: Bearer %s", token);
	return r->authorization ? 0 : -ENOMEM;
}

static int authenticate_token_ask_once(struct registry *r, const char *url, const char *label, struct http_reply *reply,
				       struct error *err)
{
	_secret_text_ char *basic = r->basic ? secret_printf("Authorization: Basic %s", r->basic) : NULL;
	const char *headers[] = {basic, NULL};
	struct http_request request = {.method = "GET",
				       .url = url,
				       .headers = headers,
				       .timeout_ms = TIMEOUT_MS,
				       .reply_max = TOKEN_MAX,
				       .secret = true,
				       .ca_file = r->ca_file};
	int e = http_call(r->engine, &request, r->cancel, reply, err);

	if (error_complete(err, e) < 0)
		return error_prefix(err, "%s: cannot get a token", label);
	return reply->status == 200 ? authenticate_token_keep(r, reply, err)
				    : registry_explain(reply, label, "cannot get a token", err);
}

/* A lost or truncated reply is requested again: a token may be issued any number of times. */
static int authenticate_token_fetch(struct registry *r, const char *url, const char *label, struct error *err)
{
	for (int try = 1;; try++) {
		struct http_reply reply = {0};
		bool again;
		int e;

		*err = (struct error){0};
		e = authenticate_token_ask_once(r, url, label, &reply, err);
		again = e < 0 && e != -ECANCELED && try < REGISTRY_TRIES &&
			(e == -EBADMSG || registry_is_transient(&reply));
		if (again && registry_wait(r, &reply, try) < 0) {
			e = -ECANCELED;
			again = false;
		}
		http_reply_free(&reply);
		if (!again)
			return e;
	}
}

/* A password is sent only to the registry's own origin, over https, or to this machine. */
static int authenticate_service_is_safe(const struct registry *r, const char *url)
{
	int safe = image_url_is_private(url);

	if (safe == 0)
		safe = image_url_same_origin(r->base, url);
	if (safe != 0)
		return safe;
	return !r->basic && !image_url_weakens(r->base, url);
}

static int authenticate_bearer(struct registry *r, const struct challenge *c, struct error *err)
{
	_free_ char *url = authenticate_token_url(r, c);
	int safe = url ? authenticate_service_is_safe(r, url) : 0;

	if (safe < 0)
		return safe;
	if (!safe)
		return error_set(err, -EBADMSG,
				 "the registry names a token service that vastfs must not contact: %.200s is less "
				 "secure than the registry",
				 c->realm);
	return authenticate_token_fetch(r, url, c->realm, err);
}

static int authenticate_basic(struct registry *r)
{
	bool refused = r->authorization && strstr(r->authorization, ": Basic ");

	if (!r->basic || refused)
		return -EACCES;
	secret_free_text(r->authorization);
	r->authorization = secret_printf("Authorization: Basic %s", r->basic);
	return r->authorization ? 0 : -ENOMEM;
}

int registry_authenticate(struct registry *r, const char **challenges, struct error *err)
{
	struct challenge c;
	struct error first = {0};

	while (challenge_next(challenges, &c)) {
		struct error own = {0};
		int e = c.scheme == CHALLENGE_BEARER  ? authenticate_bearer(r, &c, &own)
			: c.scheme == CHALLENGE_BASIC ? authenticate_basic(r)
						      : -EACCES;

		if (e == 0)
			return 1;
		if (e == -ECANCELED || e == -ENOMEM)
			return error_set(err, e, "%s", e == -ENOMEM ? "out of memory" : "cancelled");
		if (error_is(&own) && !error_is(&first))
			first = own;
	}
	if (!error_is(&first))
		return 0;
	*err = first;
	return first.errnum;
}
