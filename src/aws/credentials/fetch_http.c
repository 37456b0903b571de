/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fetches credentials from a local endpoint: the endpoint of an ECS task or EKS pod, or EC2's instance metadata
 * service.
 */
#include "aws/credentials/fetch_internal.h"

#include "aws/client.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/secret_env.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER_LIMIT_MS    2000
#define CONTAINER_TRIES	      3
#define CONTAINER_PAUSE_MS    1000
#define INSTANCE_TOKEN	      "/latest/api/token"
#define INSTANCE_ROLE	      "/latest/meta-data/iam/security-credentials/"
#define INSTANCE_TOKEN_HEADER "x-aws-ec2-metadata-token: "
#define INSTANCE_LIFETIME     "x-aws-ec2-metadata-token-ttl-seconds: 21600"
#define NAME_MAX_BYTES	      256
#define INSTANCE_EXTENSION_MS (20 * 60 * 1000) /* the renewal window of 15 minutes, and 5 minutes more */

static const struct aws_credentials_names endpoint_names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};

/* -- one exchange ---------------------------------------------------------------------------------------------- */

/*
 * As in the AWS CLI, a request to a container's endpoint never uses a proxy, and a request to the instance metadata
 * service uses one unless NO_PROXY excludes it.
 */
static int fetch_endpoint_ask(struct credential_fetch *f, const char *method, const char *url, const char *header,
			      int limit_ms, void (*done)(struct http_reply *reply, void *arg))
{
	const char *headers[] = {header, NULL};
	const struct http_request request = {.method = method,
					     .url = url,
					     .headers = headers,
					     .timeout_ms = limit_ms,
					     .reply_max = FETCH_ANSWER_MAX,
					     .ca_file = aws_ca_file(f->aws),
					     .no_proxy = f->source->kind == CREDENTIAL_CONTAINER};

	f->exchange = http_start(f->aws->engine, &request, done, f);
	return f->exchange ? 0 : -ENOMEM;
}

static void fetch_endpoint_no_memory(struct credential_fetch *f)
{
	struct error err;

	error_set(&err, -ENOMEM, "out of memory");
	fetch_fail(f, &err);
}

/* Both services always give a token and an expiry. An answer without them comes from another program. */
static bool fetch_endpoint_is_whole(const cJSON *answer)
{
	return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(answer, "Token")) &&
	       cJSON_IsString(cJSON_GetObjectItemCaseSensitive(answer, "Expiration"));
}

/*
 * While EC2's credential service is unavailable, EC2 accepts credentials after their expiry, and AWS asks clients not
 * to discard them ("static stability"). With the extended expiry, the provider requests credentials again after half of
 * that time, 10 minutes (aws_credentials_renewal_ms).
 */
static void fetch_endpoint_extend(const struct credential_fetch *f, cJSON *answer)
{
	cJSON *expiration = cJSON_GetObjectItemCaseSensitive(answer, "Expiration");
	const int64_t least_ms = aws_now_ms(f->aws) + INSTANCE_EXTENSION_MS;
	char when[CLOCK_TEXT_SIZE];

	if (clock_parse(expiration->valuestring) < least_ms)
		cJSON_SetValuestring(expiration, clock_format(least_ms, when));
}

static void fetch_endpoint_take(struct credential_fetch *f, struct http_reply *reply)
{
	cJSON *answer;
	struct error err = {0};

	if (aws_credentials_parse(buf_str(&reply->body), &answer) == -ENOMEM) {
		error_set(&err, -ENOMEM, "out of memory");
		fetch_fail(f, &err);
	} else if (!fetch_endpoint_is_whole(answer)) {
		error_set(&err, -ENOKEY, "%s: the reply has no Token or no Expiration, so it does not come from AWS",
			  f->source->label);
		fetch_fail(f, &err);
	} else {
		if (f->source->kind == CREDENTIAL_INSTANCE)
			fetch_endpoint_extend(f, answer);
		fetch_take(f, answer, &endpoint_names);
	}
	secret_free_json(answer);
}

/* -- a container ----------------------------------------------------------------------------------------------- */

static void fetch_container_ask(void *arg);

static void fetch_container_answered(struct http_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;
	struct error err = reply->error;

	f->exchange = NULL;
	if (err.errnum == -ECANCELED) {
		fetch_fail(f, &err);
	} else if (reply->status == 200) {
		fetch_endpoint_take(f, reply);
	} else if (++f->attempts < CONTAINER_TRIES) {
		engine_timer_set(f->aws->engine, &f->timer, CONTAINER_PAUSE_MS, fetch_container_ask, f);
	} else {
		if (!error_is(&err))
			error_set(&err, -ENOKEY, "it returned HTTP status %d", reply->status);
		err.errnum = -ENOKEY;
		error_prefix(&err, "the container's credentials endpoint, %s, returned no keys", f->source->url);
		error_remedy(&err, "give the task or pod a role, or unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
				   "AWS_CONTAINER_CREDENTIALS_FULL_URI");
		fetch_fail(f, &err);
	}
}

static void fetch_container_ask(void *arg)
{
	struct credential_fetch *f = arg;

	if (fetch_endpoint_ask(f, "GET", f->source->url, f->header, CONTAINER_LIMIT_MS, fetch_container_answered) < 0)
		fetch_endpoint_no_memory(f);
}

static bool fetch_container_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/*
 * The host of a URL, without the port and without brackets; "" if the URL has a user name, because libcurl connects to
 * the host behind it.
 */
static void fetch_container_host(const char *url, char *host, size_t size)
{
	const char *begin = strstr(url, "://");
	size_t len;

	begin = begin ? begin + 3 : url;
	len = *begin == '[' ? strcspn(begin + 1, "]") : strcspn(begin, ":/?#");
	if (memchr(begin, '@', strcspn(begin, "/?#")))
		len = 0;
	snprintf(host, size, "%.*s", (int)len, begin + (*begin == '['));
}

static bool fetch_container_is_local(const char *host)
{
	static const char *const allowed[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strcasecmp(host, allowed[i]) == 0)
			return true;
	return fetch_container_is_loopback(host);
}

/*
 * Credentials sent over plain HTTP can be read on the network, so the URL must use TLS or an address that does not
 * leave the machine.
 */
static int fetch_container_check(const char *url, struct error *err)
{
	char host[NAME_MAX_BYTES];

	fetch_container_host(url, host, sizeof(host));
	if (*host && strncasecmp(url, "https://", 8) == 0)
		return 0;
	if (strncasecmp(url, "http://", 7) == 0 && fetch_container_is_local(host))
		return 0;
	error_set(err, -ENOKEY,
		  "AWS_CONTAINER_CREDENTIALS_FULL_URI is not used: over http its host must be this machine or "
		  "that of ECS or EKS, and %s is neither",
		  *host ? host : "the URL");
	error_remedy(err, "set it to an https URL or one of a loopback address");
	return -ENOKEY;
}

/* The file takes precedence over the variable. It is read for every fetch because its token is replaced regularly. */
static int fetch_container_read_token(char **ret, size_t *ret_size, struct error *err)
{
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *text = secret_env_get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	_close_ int fd = -1;
	size_t len;
	int r;

	if (!file) {
		*ret = text ? secret_strdup(text) : NULL;
		*ret_size = text ? strlen(text) + 1 : 0;
		return text && !*ret ? -ENOMEM : 0;
	}
	fd = file_open_regular(file);
	r = fd < 0 ? fd : secret_read(fd, FETCH_ANSWER_MAX, ret, &len, ret_size);
	if (r < 0)
		error_set(err, -ENOKEY, "cannot read the container's token %s: %s", file, file_explain(r));
	return r < 0 ? -ENOKEY : 0;
}

static int fetch_container_make_header(struct credential_fetch *f, struct error *err)
{
	char *token = NULL;
	size_t size = 0;
	int r = fetch_container_read_token(&token, &size, err);

	if (r == 0 && token && strpbrk(token, "\r\n")) {
		r = error_set(err, -ENOKEY,
			      "the container's token contains a line end, which is not allowed in a header");
		error_remedy(err, "write AWS_CONTAINER_AUTHORIZATION_TOKEN or its file without line ends");
	}
	if (r == 0 && token && !(f->header = secret_printf("Authorization: %s", token)))
		r = -ENOMEM;
	secret_free(token, size);
	return r;
}

int fetch_container_start(struct credential_fetch *f, struct error *err)
{
	int r = fetch_container_check(f->source->url, err);

	if (r == 0)
		r = fetch_container_make_header(f, err);
	if (r == 0)
		fetch_container_ask(f);
	return r;
}

/* -- an instance ----------------------------------------------------------------------------------------------- */

static void fetch_instance_ask(struct credential_fetch *f, const char *method, const char *path, const char *name,
			       const char *header, void (*done)(struct http_reply *reply, void *arg))
{
	_free_ char *url = NULL;

	if (asprintf(&url, "%s%s%s", f->source->url, path, name) < 0)
		url = NULL;
	if (!url || fetch_endpoint_ask(f, method, url, header, f->source->imds.timeout_s * 1000, done) < 0)
		fetch_endpoint_no_memory(f);
}

/*
 * If the machine has no such service, the search has found no credentials, so the message is the one that the search
 * prepared.
 */
static void fetch_instance_fail(struct credential_fetch *f, const struct http_reply *reply, const char *what)
{
	struct error err = f->source->nothing;

	if (reply->error.errnum == -ECANCELED) {
		fetch_fail(f, &reply->error);
		return;
	}
	if (reply->status)
		error_prefix(&err, "the instance metadata service %s (HTTP status %d)", what, reply->status);
	fetch_fail(f, &err);
}

/* Each of the three requests is tried as often as the settings allow. */
static bool fetch_instance_again(struct credential_fetch *f, const struct http_reply *reply, void (*ask)(void *arg))
{
	if (reply->error.errnum == -ECANCELED || ++f->attempts >= f->source->imds.tries)
		return false;
	engine_timer_set(f->aws->engine, &f->timer, 0, ask, f);
	return true;
}

static void fetch_instance_ask_keys(void *arg);
static void fetch_instance_ask_role(void *arg);

static void fetch_instance_got_keys(struct http_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;

	f->exchange = NULL;
	if (reply->status == 200)
		fetch_endpoint_take(f, reply);
	else if (!fetch_instance_again(f, reply, fetch_instance_ask_keys))
		fetch_instance_fail(f, reply, "returned no keys for the role of this instance");
}

static bool fetch_instance_is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < NAME_MAX_BYTES &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-") == len;
}

static void fetch_instance_ask_keys(void *arg)
{
	struct credential_fetch *f = arg;

	fetch_instance_ask(f, "GET", INSTANCE_ROLE, f->role, f->header, fetch_instance_got_keys);
}

static void fetch_instance_got_role(struct http_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;

	f->exchange = NULL;
	if (reply->status != 200 || !fetch_instance_is_name(buf_str(&reply->body))) {
		if (!fetch_instance_again(f, reply, fetch_instance_ask_role))
			fetch_instance_fail(f, reply, "returned no role: the instance has no instance profile");
		return;
	}
	f->attempts = 0;
	f->role = strdup(buf_str(&reply->body));
	if (f->role)
		fetch_instance_ask_keys(f);
	else
		fetch_endpoint_no_memory(f);
}

static void fetch_instance_ask_role(void *arg)
{
	struct credential_fetch *f = arg;

	fetch_instance_ask(f, "GET", INSTANCE_ROLE, "", f->header, fetch_instance_got_role);
}

/* The connection was established, but no answer arrived in time. */
static bool fetch_instance_is_late(const struct http_reply *reply)
{
	return reply->error.errnum == -ETIMEDOUT && reply->sent;
}

/* True if another attempt would give the same answer. */
static bool fetch_instance_is_final(const struct http_reply *reply)
{
	return reply->status == 200 || reply->status == 400 || reply->status == 403 || reply->status == 404 ||
	       reply->status == 405 || fetch_instance_is_late(reply);
}

static void fetch_instance_begin(void *arg);

/*
 * Version 1 of the service has no tokens. It is used if version 2 gives no token, unless the settings forbid version 1:
 * behind a router, for example in a container, the answer with the token may be lost.
 */
static void fetch_instance_got_token(struct http_reply *reply, void *arg)
{
	struct credential_fetch *f = arg;

	f->exchange = NULL;
	if (!fetch_instance_is_final(reply) && fetch_instance_again(f, reply, fetch_instance_begin))
		return;
	f->attempts = 0;
	if (reply->status == 200 && !strpbrk(buf_str(&reply->body), "\r\n"))
		f->header = secret_printf(INSTANCE_TOKEN_HEADER "%s", buf_str(&reply->body));
	if (f->header || ((reply->status || fetch_instance_is_late(reply)) && reply->status != 400 &&
			  !f->source->imds.only_version_2))
		fetch_instance_ask_role(f);
	else
		fetch_instance_fail(f, reply, "returned no token");
}

static void fetch_instance_begin(void *arg)
{
	fetch_instance_ask(arg, "PUT", INSTANCE_TOKEN, "", INSTANCE_LIFETIME, fetch_instance_got_token);
}

int fetch_instance_start(struct credential_fetch *f, struct error *err _unused_)
{
	fetch_instance_begin(f);
	return 0;
}
