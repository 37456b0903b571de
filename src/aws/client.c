/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/tally.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/utsname.h>

/* The convention of AWS's SDKs. It must not contain a slash after "region": some proxies interpret that. */
static void client_make_user_agent(struct aws *a)
{
	const char *app = getenv("AWS_SDK_UA_APP_ID");
	struct utsname os = {0};

	uname(&os);
	snprintf(a->user_agent, sizeof(a->user_agent), "User-Agent: vastfs/%s ua/2.1 os/linux#%.20s lang/c%s%.50s",
		 VASTFS_VERSION, os.release, app && *app ? " app/" : "", app ? app : "");
	for (char *p = a->user_agent; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '_';
}

int aws_new(struct engine *e, const struct aws_config *config, struct aws **ret, struct error *err)
{
	struct aws *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return error_set(err, -ENOMEM, "out of memory");
	ref_init(&a->ref);
	a->engine = e;
	a->quota.left = AWS_QUOTA_FULL;
	a->keys_changed = config->keys_changed;
	a->keys_changed_arg = config->keys_changed_arg;
	client_make_user_agent(a);
	r = aws_options_load(config, &a->options, err);
	if (r == 0)
		r = credential_provider_new(a, config->profile, &a->provider);
	if (r < 0) {
		aws_options_free(&a->options);
		free(a);
		return r == -ENOMEM ? error_set(err, r, "out of memory") : r;
	}
	a->api_log = config->api_log ? stream_ref(config->api_log) : NULL;
	a->calls = config->calls ? tally_ref(config->calls) : NULL;
	*ret = a;
	return 0;
}

int aws_new_in_region(struct aws *a, const char *region, struct aws **ret, struct error *err)
{
	struct aws_config config = {
		.region = region, .profile = a->options.profile, .api_log = a->api_log, .calls = a->calls};

	return aws_new(a->engine, &config, ret, err);
}

struct aws *aws_ref(struct aws *a)
{
	if (a)
		ref_get(&a->ref);
	return a;
}

void aws_unref(struct aws *a)
{
	if (!a || !ref_put(&a->ref))
		return;
	aws_options_free(&a->options);
	credential_provider_free(a->provider);
	aws_key_cache_clear(&a->keys);
	if (a->api_log)
		stream_unref(a->api_log);
	tally_unref(a->calls);
	free(a);
}

const char *aws_ca_file(const struct aws *a)
{
	return a->options.ca_file;
}

const char *aws_region(const struct aws *a)
{
	return a->options.region;
}

const char *aws_endpoint_override(const struct aws *a, const char *service)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a->options.endpoints, service));

	return url ? url : "";
}

int aws_check_credentials(struct aws *a, struct error *err)
{
	return credential_provider_check(a->provider, err);
}

char *aws_credentials_hash(struct aws *a, char hex[static AWS_CREDENTIALS_HASH_SIZE])
{
	return credential_provider_hash(a->provider, hex);
}

void aws_renew_credentials(struct aws *a)
{
	credential_provider_renew(a->provider);
}

bool aws_credentials_facts(struct aws *a, struct aws_credentials_facts *ret)
{
	return credential_provider_facts(a->provider, ret);
}

void aws_client_learn_clock(struct aws *a, const char *date, int64_t wall_ms)
{
	time_t server = *date ? curl_getdate(date, NULL) : -1;
	int64_t skew = server < 0 ? 0 : aws_skew((int64_t)server * 1000, wall_ms);

	if (server < 0)
		return;
	if (skew && !a->skew_ms)
		log_warning("the clock of this machine differs from the clock of AWS by %lld seconds; requests are "
			    "signed with the time of AWS",
			    (long long)(skew / 1000));
	a->skew_ms = skew;
}

int64_t aws_now_ms(const struct aws *a)
{
	return clock_wall_ms() + a->skew_ms;
}

/* The name of a failure without an HTTP reply. */
static const char *client_failure_name(const struct error *err)
{
	if (err->code[0])
		return err->code;
	return error_is(err) ? strerrorname_np(-err->errnum) : "-";
}

void aws_client_log(struct aws *a, const struct aws_request *r, const struct aws_reply *reply, int64_t took_ms,
		    int attempt)
{
	const char *code = client_failure_name(&reply->error);
	char when[CLOCK_TEXT_SIZE], status[12] = "-";

	tally_add(a->calls, clock_monotonic_ms());
	if (!a->api_log)
		return;
	if (reply->status)
		snprintf(status, sizeof(status), "%d", reply->status);
	stream_printf(a->api_log, "%s %s %s %s %s %s %lld %d\n", clock_format(clock_wall_ms(), when), r->service->name,
		      r->operation, status, code ? code : "failed", reply->request_id[0] ? reply->request_id : "-",
		      (long long)took_ms, attempt);
}
