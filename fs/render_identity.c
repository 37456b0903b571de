/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_identity.c - whoami, and its lines in status: the identity whose credentials are in use, the source of the
 * credentials, and their expiry.
 */
#include "fs/render.h"

#include "base/clock.h"
#include "base/json.h"
#include "fs/fs.h"
#include "model/model.h"

#include <inttypes.h>

static const char *identity_or_dash(const char *text)
{
	return *text ? text : "-";
}

void identity_put(const struct snapshot *s, struct buf *out)
{
	buf_printf(out, "account %s\n", identity_or_dash(s->identity.account));
	buf_printf(out, "identity %s\n", identity_or_dash(s->identity.arn));
}

static void render_put_expiry(int64_t expires_ms, struct buf *out)
{
	int64_t left_ms = expires_ms - clock_wall_ms();

	if (!expires_ms)
		return;
	if (left_ms <= 0)
		buf_puts(out, ", expired");
	else
		buf_printf(out, ", expires in %" PRId64 " min", left_ms / 60000);
}

void credentials_put(struct model *m, bool with_expiry, struct buf *out)
{
	struct model_credentials c;

	model_credentials(m, &c);
	buf_printf(out, "credentials %s", c.known ? c.source : "-");
	if (c.known && with_expiry)
		render_put_expiry(c.expires_ms, out);
	if (error_is(&c.error))
		buf_printf(out, " %s", c.error.message);
	buf_putc(out, '\n');
}

/* -- whoami ---------------------------------------------------------------------------------------------------- */

static void render_whoami_add(int *r, cJSON *whoami, const char *name, const char *text)
{
	json_add(r, whoami, name, text && *text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void render_whoami_add_credentials(int *r, cJSON *whoami, struct model *m)
{
	char when[CLOCK_TEXT_SIZE] = "";
	struct model_credentials c;

	model_credentials(m, &c);
	if (c.expires_ms)
		clock_format(c.expires_ms, when);
	render_whoami_add(r, whoami, "source", c.source);
	render_whoami_add(r, whoami, "expires", when);
	if (error_is(&c.error))
		render_whoami_add(r, whoami, "error", c.error.message);
}

static cJSON *render_whoami_make(int *r, const struct scope *s)
{
	const struct identity *id = &s->snapshot->identity;
	const struct settings *settings = s->snapshot->settings;
	cJSON *whoami = json_object(r);

	render_whoami_add(r, whoami, "account", id->account);
	render_whoami_add(r, whoami, "arn", id->arn);
	render_whoami_add(r, whoami, "user_id", id->user_id);
	render_whoami_add_credentials(r, whoami, s->fs->model);
	render_whoami_add(r, whoami, "region", settings ? settings_get(settings, SETTING_AWS_REGION) : NULL);
	render_whoami_add(r, whoami, "profile", model_profile(s->snapshot));
	return whoami;
}

int render_whoami(const struct scope *s, struct buf *out)
{
	int r = 0;
	_json_ cJSON *whoami = render_whoami_make(&r, s);
	_free_ char *text = r < 0 ? NULL : cJSON_Print(whoami);

	return text ? buf_printf(out, "%s\n", text) : -ENOMEM;
}

int64_t changed_whoami(const struct scope *s)
{
	_buf_ struct buf text = BUF_INIT(16 * 1024);

	render_whoami(s, &text);
	return memo_changed(&s->fs->whoami_memo, &text);
}
