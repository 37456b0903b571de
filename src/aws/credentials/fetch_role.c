/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assumes roles: sts:AssumeRole with the credentials of another source, sts:AssumeRoleWithWebIdentity with a token from
 * a file.
 */
#include "aws/credentials/fetch_internal.h"

#include "aws/services/sts.h"
#include "aws/sign.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"

#include <inttypes.h>
#include <string.h>

#define TOKEN_MAX ((size_t)20000) /* AWS's limit for WebIdentityToken, in characters */
#define TOKEN_MIN 4

static const struct aws_credentials_names role_names = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};

static void role_answered(struct aws_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;

	f->call = NULL;
	if (error_is(&reply->error)) {
		error_prefix(&reply->error, "cannot assume the role %s", f->source->role_arn);
		fetch_fail(f, &reply->error);
		return;
	}
	fetch_take(f, aws_at(reply->body, "Credentials"), &role_names);
}

static const char *role_session_name(const struct credential_source *s, char made[static 40])
{
	snprintf(made, 40, "vastfs-%" PRId64, clock_wall_ms() / 1000);
	return s->session_name ? s->session_name : made;
}

static int role_assume(struct credential_fetch *f, struct error *err)
{
	const struct aws_identity who = {.key_id = f->keys.key_id, .secret = f->keys.secret, .token = f->keys.token};
	char made[40];
	const struct sts_role role = {.arn = f->source->role_arn,
				      .session_name = role_session_name(f->source, made),
				      .external_id = f->source->external_id,
				      .duration_s = f->source->duration_s};

	return fetch_call(f, sts_assume_role(&role), &(struct aws_as){.identity = &who}, role_answered, err);
}

static void role_got_source(struct aws_credentials *keys, const struct error *why, void *arg)
{
	struct credential_fetch *f = arg;
	struct error err = *why;

	f->inner = NULL;
	if (!keys) {
		fetch_fail(f, &err);
		return;
	}
	f->keys = *keys;
	*keys = (struct aws_credentials){0};
	if (role_assume(f, &err) < 0)
		fetch_fail(f, &err);
}

int fetch_role_start(struct credential_fetch *f, struct error *err)
{
	f->inner = credential_fetch_start(f->aws, f->source->source, role_got_source, f);
	return f->inner ? 0 : error_set(err, -ENOMEM, "out of memory");
}

/* The issuer of the tokens replaces the file regularly, so it is read for every fetch. */
static int role_read_token(const char *path, char **ret, size_t *ret_size, struct error *err)
{
	_close_ int fd = file_open_regular(path);
	size_t len = 0;
	int r = fd < 0 ? fd : secret_read(fd, TOKEN_MAX, ret, &len, ret_size);

	if (r < 0) {
		error_set(err, -ENOKEY, "cannot read the web identity token %s: %s", path, file_explain(r));
		error_remedy(err, "check the program that should write %s, or set another AWS_WEB_IDENTITY_TOKEN_FILE",
			     path);
	}
	return r < 0 ? -ENOKEY : 0;
}

int fetch_web_identity_start(struct credential_fetch *f, struct error *err)
{
	_free_ char *path = path_absolute(f->source->token_file);
	char made[40], *token = NULL;
	size_t size = 0;
	struct sts_role role = {.arn = f->source->role_arn, .session_name = role_session_name(f->source, made)};
	int r = path ? role_read_token(path, &token, &size, err) : -ENOMEM;

	if (r == 0 && strlen(token) < TOKEN_MIN) {
		r = error_set(err, -ENOKEY, "the web identity token %s has fewer than %d characters", path, TOKEN_MIN);
		error_remedy(err, "check the program that should write %s, or set another AWS_WEB_IDENTITY_TOKEN_FILE",
			     path);
	}
	if (r == 0) {
		role.web_identity_token = token;
		r = fetch_call(f, sts_assume_role_with_web_identity(&role), &(struct aws_as){.identity = NULL},
			       role_answered, err);
	}
	secret_free(token, size);
	return r;
}
