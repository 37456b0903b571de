#include "aws/client.h"

#include "base/clock.h"
#include "base/log.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/utsname.h>

#define LOOK_AGAIN_MS	 1000
#define EXPIRY_LEEWAY_MS 5000

/* The convention of AWS's SDKs. It must not hold a slash behind "region": some proxies read that. */
static void make_user_agent(struct aws *a)
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
	make_user_agent(a);
	r = aws_options_load(config, &a->options, err);
	if (r < 0) {
		free(a);
		return r;
	}
	a->api_log = config->api_log ? stream_ref(config->api_log) : NULL;
	*ret = a;
	return 0;
}

int aws_new_in_region(struct aws *a, const char *region, struct aws **ret, struct error *err)
{
	struct aws_config config = {.region = region, .profile = a->options.profile, .api_log = a->api_log};

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
	aws_credentials_free(&a->credentials);
	aws_key_cache_clear(&a->keys);
	if (a->api_log)
		stream_unref(a->api_log);
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

int aws_check_credentials(const struct aws_config *config, struct error *err)
{
	struct aws_credentials c;
	int r = aws_credentials_load(config->profile, &c, err);

	if (!r)
		aws_credentials_free(&c);
	return r;
}

char *aws_credentials_hash(const struct aws_config *config, char hex[static AWS_CREDENTIALS_HASH_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a: the ID is no secret */
	struct aws_credentials c;

	*hex = '\0';
	if (aws_credentials_load(config->profile, &c, NULL) < 0)
		return hex;
	for (const char *p = c.key_id; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	aws_credentials_free(&c);
	snprintf(hex, AWS_CREDENTIALS_HASH_SIZE, "%016llx", (unsigned long long)hash);
	return hex;
}

static bool must_load(struct aws *a)
{
	int64_t now = clock_monotonic_ms();

	if (a->credentials.key_id && a->looked_ms && now - a->looked_ms < LOOK_AGAIN_MS)
		return false;
	a->looked_ms = now;
	return !a->credentials.key_id || a->credentials.files != aws_credentials_files();
}

static int check_expiry(const struct aws *a, struct error *err)
{
	int64_t expires = a->credentials.expires_ms;
	char when[CLOCK_TEXT_SIZE];

	if (!expires || clock_wall_ms() + a->skew_ms + EXPIRY_LEEWAY_MS < expires)
		return 0;
	error_set(err, -ENOKEY, "the AWS credentials expired at %s", clock_format(expires, when));
	error_remedy(err, "get new ones and start vastfs again");
	return -ENOKEY;
}

int aws_client_identity(struct aws *a, struct aws_identity *ret, struct error *err)
{
	struct aws_credentials fresh;
	int r;

	if (must_load(a)) {
		r = aws_credentials_load(a->options.profile, &fresh, err);
		if (r < 0)
			return r;
		aws_credentials_free(&a->credentials);
		a->credentials = fresh;
	}
	*ret = (struct aws_identity){
		.key_id = a->credentials.key_id, .secret = a->credentials.secret, .token = a->credentials.token};
	return check_expiry(a, err);
}

void aws_client_learn_clock(struct aws *a, const char *date, int64_t wall_ms)
{
	time_t server = *date ? curl_getdate(date, NULL) : -1;
	int64_t skew = server < 0 ? 0 : aws_skew((int64_t)server * 1000, wall_ms);

	if (server < 0)
		return;
	if (skew && !a->skew_ms)
		log_warning(
			"this machine's clock differs from AWS's by %lld seconds; requests are signed with AWS's time",
			(long long)(skew / 1000));
	a->skew_ms = skew;
}

/* A name for failures that no HTTP reply tells of. */
static const char *failure_name(const struct error *err)
{
	if (err->code[0])
		return err->code;
	return error_is(err) ? strerrorname_np(-err->errnum) : "-";
}

void aws_client_log(struct aws *a, const struct aws_request *r, const struct aws_reply *reply, int64_t took_ms,
		    int attempt)
{
	const char *code = failure_name(&reply->error);
	char when[CLOCK_TEXT_SIZE], status[12] = "-";

	if (!a->api_log)
		return;
	if (reply->status)
		snprintf(status, sizeof(status), "%d", reply->status);
	stream_printf(a->api_log, "%s %s %s %s %s %s %lld %d\n", clock_format(clock_wall_ms(), when), r->service->name,
		      r->operation, status, code ? code : "failed", reply->request_id[0] ? reply->request_id : "-",
		      (long long)took_ms, attempt);
}
