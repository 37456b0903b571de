/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/fetch_internal.h"

#include "aws/client.h"
#include "base/clock.h"
#include "base/secret.h"

#include <string.h>

/* -- the end --------------------------------------------------------------------------------------------------- */

static void fetch_free(struct credential_fetch *f)
{
	engine_leave(&f->member);
	engine_timer_cancel(&f->timer);
	credential_fetch_cancel(f->inner);
	aws_credentials_free(&f->keys);
	if (f->call)
		aws_cancel(move_ptr(f->call));
	http_cancel(f->exchange);
	fetch_process_release(f);
	secret_free_buf(&f->answer);
	buf_free(&f->stderr_text);
	secret_free_text(f->header);
	free(f->role);
	secret_free_json(f->token);
	free(f);
}

void credential_fetch_cancel(struct credential_fetch *f)
{
	if (!f)
		return;
	f->done = NULL;
	fetch_free(f);
}

void fetch_end(struct credential_fetch *f, struct aws_credentials *keys)
{
	static const struct error none = {0};
	credential_fetched *done = f->done;
	void *arg = f->arg;

	f->done = NULL;
	fetch_free(f);
	if (done)
		done(keys, &none, arg);
	aws_credentials_free(keys);
}

void fetch_fail(struct credential_fetch *f, const struct error *err)
{
	credential_fetched *done = f->done;
	struct error why = *err;
	void *arg = f->arg;

	if (!done)
		return; /* the fetch is being cancelled */
	f->done = NULL;
	fetch_free(f);
	done(NULL, &why, arg);
}

void fetch_take(struct credential_fetch *f, const cJSON *answer, const struct aws_credentials_names *names)
{
	struct aws_credentials keys;
	struct error err = {0};

	if (aws_credentials_take(answer, names, &keys, &err) < 0) {
		error_prefix(&err, "%s", f->source->label);
		fetch_fail(f, &err);
		return;
	}
	if (!keys.expires_ms || keys.expires_ms > aws_now_ms(f->aws)) {
		fetch_end(f, &keys);
		return;
	}
	error_set(&err, -ENOKEY, "%s: the keys from this source have expired", f->source->label);
	aws_credentials_free(&keys);
	fetch_fail(f, &err);
}

/* -- static credentials ---------------------------------------------------------------------------------------- */

static void fetch_copy_static(void *arg)
{
	struct credential_fetch *f = arg;
	const struct credential_source *s = f->source;
	struct aws_credentials keys = {.key_id = secret_strdup(s->key_id),
				       .secret = secret_strdup(s->secret),
				       .token = secret_strdup(s->token),
				       .expires_ms = s->expires_ms};
	struct error err;

	if (keys.key_id && keys.secret && keys.token) {
		fetch_end(f, &keys);
		return;
	}
	aws_credentials_free(&keys);
	error_set(&err, -ENOMEM, "out of memory");
	fetch_fail(f, &err);
}

static int fetch_static_start(struct credential_fetch *f, struct error *err)
{
	char when[CLOCK_TEXT_SIZE];

	if (f->source->expires_ms && f->source->expires_ms <= aws_now_ms(f->aws)) {
		error_set(err, -ENOKEY, "the keys in the environment expired at %s (AWS_CREDENTIAL_EXPIRATION)",
			  clock_format(f->source->expires_ms, when));
		error_remedy(err, "put new keys into the environment and start vastfs again, or set aws_profile in "
				  "config/default.env to a profile that vastfs can refresh");
		return -ENOKEY;
	}
	engine_timer_set(f->aws->engine, &f->timer, 0, fetch_copy_static, f);
	return 0;
}

/* -- the start ------------------------------------------------------------------------------------------------- */

static int (*const fetch_starts[])(struct credential_fetch *f, struct error *err) = {
	[CREDENTIAL_STATIC] = fetch_static_start,
	[CREDENTIAL_ROLE] = fetch_role_start,
	[CREDENTIAL_WEB_IDENTITY] = fetch_web_identity_start,
	[CREDENTIAL_SSO] = fetch_sso_start,
	[CREDENTIAL_PROCESS] = fetch_process_start,
	[CREDENTIAL_CONTAINER] = fetch_container_start,
	[CREDENTIAL_INSTANCE] = fetch_instance_start,
};

static void fetch_begin(void *arg)
{
	struct credential_fetch *f = arg;
	struct error err = {0};
	int r = fetch_starts[f->source->kind](f, &err);

	if (r == 0)
		return;
	if (!error_is(&err))
		error_set(&err, r, "%s: %s", f->source->label, strerror(-r));
	fetch_fail(f, &err);
}

static void fetch_stopped(struct engine_member *g)
{
	struct error err = {0};

	error_set(&err, -ECANCELED, "cancelled");
	fetch_fail(container_of(g, struct credential_fetch, member), &err);
}

struct credential_fetch *credential_fetch_start(struct aws *a, const struct credential_source *s,
						credential_fetched *done, void *arg)
{
	struct credential_fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->aws = a;
	f->source = s;
	f->done = done;
	f->arg = arg;
	buf_init(&f->answer, FETCH_ANSWER_MAX);
	buf_init(&f->stderr_text, 4096);
	f->member.stopped = fetch_stopped;
	engine_join(a->engine, &f->member);
	engine_timer_set(a->engine, &f->timer, 0, fetch_begin, f);
	return f;
}

int fetch_call(struct credential_fetch *f, struct aws_request *request, const struct aws_as *as,
	       void (*done)(struct aws_reply *reply, void *arg), struct error *err)
{
	f->call = request ? aws_start_as(f->aws, request, as, done, f) : NULL;
	return f->call ? 0 : error_set(err, -ENOMEM, "out of memory");
}
