/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/registry.h"

#include "aws/http_call.h"
#include "aws/rights.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "image/authenticate.h"
#include "image/rate_limit.h"
#include "image/url.h"

#include <string.h>

#define TIMEOUT_MS    60000
#define REDIRECTS     5
#define FIRST_WAIT_MS 1000

/* -- life ------------------------------------------------------------------------------------------------------ */

int registry_open(struct registry *r, struct engine *engine, struct aws_cancel_token *cancel, const char *base,
		  const char *name, const char *basic, bool eager)
{
	*r = (struct registry){.engine = engine, .cancel = cancel, .base = strdup(base), .name = strdup(name)};
	if (basic && *basic)
		r->basic = secret_strdup(basic);
	if (r->basic && eager)
		r->authorization = secret_printf("Authorization: Basic %s", r->basic);
	while (r->base && *r->base && r->base[strlen(r->base) - 1] == '/')
		r->base[strlen(r->base) - 1] = '\0';
	return r->base && r->name && (!basic || !*basic || (r->basic && (!eager || r->authorization))) ? 0 : -ENOMEM;
}

void registry_close(struct registry *r)
{
	free(r->base);
	free(r->name);
	secret_free_text(r->basic);
	secret_free_text(r->authorization);
	memset(r, 0, sizeof(*r));
}

const char *registry_label(const struct registry *r, char *out, size_t size)
{
	const char *host = strstr(r->base, "://");

	snprintf(out, size, "%s/%s", host ? host + 3 : r->base, r->name);
	return out;
}

char *registry_url(const struct registry *r, const char *path)
{
	char *url;

	return asprintf(&url, "%s/v2/%s/%s", r->base, r->name, path) < 0 ? NULL : url;
}

/* -- failures and remedies ------------------------------------------------------------------------------------- */

bool registry_is_transient(const struct http_reply *reply)
{
	struct rate_limit limit;

	if (!reply->status)
		return reply->error.errnum != -ECANCELED && reply->error.errnum != -ENOMEM &&
		       reply->error.errnum != -EFBIG && reply->error.errnum != -EPROTO;
	rate_limit_read(reply, &limit);
	if (reply->status == 429 && rate_limit_lasts(&limit))
		return false;
	return reply->status == 408 || reply->status == 429 || reply->status >= 500 || error_is(&reply->error);
}

static void registry_advise(const struct http_reply *reply, struct error *err)
{
	struct rate_limit limit;
	int status = reply->status;

	if (error_has_code(err, "BLOB_UPLOAD_UNKNOWN")) {
		error_remedy(err, "run: touch control/deploy (the registry has lost an upload)");
	} else if (rights_are_missing(err)) {
		rights_remedy(err, NULL);
	} else if (status == 401 || status == 403) {
		error_remedy(err,
			     "check vast_image in config/default.env (a registry returns the same error for an image "
			     "that does not exist); for a "
			     "private image run: docker login, or: skopeo login (vastfs reads ~/.docker/config.json "
			     "and auth.json)");
	} else if (status == 404) {
		error_remedy(err, "check the name and tag of vast_image in config/default.env");
	} else if (status == 429) {
		rate_limit_read(reply, &limit);
		rate_limit_advise(&limit, err);
	} else if (status >= 500) {
		error_remedy(err, "try again later: the registry returned a server error");
	}
}

static const char *registry_status_text(int status)
{
	switch (status) {
	case 401:
	case 403:
		return "access is denied";
	case 404:
		return "not found";
	case 429:
		return "too many requests";
	default:
		return status < 300 ? "the reply is not from a registry" : "the registry refused the request";
	}
}

int registry_explain(const struct http_reply *reply, const char *label, const char *action, struct error *err)
{
	cJSON *body = cJSON_Parse(buf_str(&reply->body));
	const cJSON *first = aws_at(body, "errors.0");
	const char *said = aws_text(first, "message");
	int status = reply->status;
	int errnum = status == 404 ? -ENOENT : status == 401 || status == 403 ? -EACCES : -EIO;

	if (error_is(&reply->error)) {
		*err = reply->error;
		error_prefix(err, "%s: %s", label, action);
	} else {
		error_set(err, errnum, "%s: %s: %s%s%s (HTTP %d)", label, action,
			  status == 404 || !*said ? registry_status_text(status) : "",
			  status == 404 && *said ? ": " : "", said, status);
		snprintf(err->code, sizeof(err->code), "%s", aws_text(first, "code"));
		err->http_status = status;
		registry_advise(reply, err);
	}
	if (status < 300 || registry_is_transient(reply)) /* a page of a proxy that has the status of a success */
		err->duration = ERROR_TRANSIENT;
	cJSON_Delete(body);
	return err->errnum;
}

/* -- requests -------------------------------------------------------------------------------------------------- */

struct registry_request {
	const char *method, *path, *action;
	const char *header; /* an additional header, NULL: none */
	const struct buf *body;
	size_t reply_max;
	bool of_api; /* path is relative to /v2/ instead of the repository, and a 401 is not answered */
};

static char *registry_request_url(const struct registry *r, const struct registry_request *a)
{
	char *url;

	if (!a->of_api)
		return registry_url(r, a->path);
	return asprintf(&url, "%s/v2/%s", r->base, a->path) < 0 ? NULL : url;
}

/* Follows redirects; credentials are sent only to the origin of the registry. */
static int registry_send_once(struct registry *r, const struct registry_request *a, struct http_reply *ret,
			      struct error *err)
{
	_free_ char *url = registry_request_url(r, a);

	for (unsigned hops = 0; url; hops++) {
		int own = image_url_same_origin(url, r->base);
		const char *headers[] = {a->header ? a->header : "Accept: */*", own > 0 ? r->authorization : NULL,
					 NULL};
		struct http_request request = {.method = a->method,
					       .url = url,
					       .headers = headers,
					       .body = a->body ? a->body->data : NULL,
					       .body_len = a->body ? a->body->len : 0,
					       .timeout_ms = TIMEOUT_MS,
					       .reply_max = a->reply_max,
					       .ca_file = r->ca_file};
		char location[4096];
		char *next;
		int e = own < 0 ? own : http_call(r->engine, &request, r->cancel, ret, err);

		if (e < 0 || ret->status < 300 || ret->status >= 400)
			return e;
		e = image_url_resolve(url, http_header(ret, "Location", location, sizeof(location)), &next);
		if (e == -ENOMEM)
			return e;
		if (e < 0 || hops == REDIRECTS || image_url_weakens(url, next)) {
			free(next);
			return error_set(err, -EBADMSG, "%s redirects to an invalid or less secure URL, or too often",
					 r->base);
		}
		http_reply_free(ret);
		free(url);
		url = next;
	}
	memset(ret, 0, sizeof(*ret));
	return -ENOMEM;
}

/* If the registry refuses the credentials for one challenge, the next challenge is tried. */
static int registry_send_authenticated(struct registry *r, const struct registry_request *a, struct http_reply *ret,
				       struct error *err)
{
	char list[8192];
	const char *challenges = list;
	int e = registry_send_once(r, a, ret, err);

	if (e < 0 || ret->status != 401 || a->of_api)
		return e;
	http_header_all(ret, "WWW-Authenticate", list, sizeof(list));
	while (e == 0 && ret->status == 401) {
		int met = registry_authenticate(r, &challenges, err);

		if (met <= 0)
			return met; /* 0: there is no answer to the challenges, so the refusal is final */
		http_reply_free(ret);
		e = registry_send_once(r, a, ret, err);
	}
	return e;
}

int registry_wait(const struct registry *r, const struct http_reply *reply, int try)
{
	struct rate_limit limit;

	rate_limit_read(reply, &limit);
	return aws_sleep(r->cancel, rate_limit_wait_ms(&limit, FIRST_WAIT_MS * try));
}

/* 0: *ret is a reply with any status. The caller frees *ret in any case. */
static int registry_send(struct registry *r, const struct registry_request *a, struct http_reply *ret,
			 struct error *err)
{
	char label[600];

	for (int try = 1;; try++) {
		struct error why = {0};
		int e = registry_send_authenticated(r, a, ret, &why);

		if (e == -ECANCELED || try == REGISTRY_TRIES || !registry_is_transient(ret)) {
			if (e == 0)
				return 0;
			*err = why;
			error_complete(err, e);
			return error_prefix(err, "%s: %s", registry_label(r, label, sizeof(label)), a->action);
		}
		e = registry_wait(r, ret, try);
		http_reply_free(ret);
		if (e < 0)
			return error_set(err, -ECANCELED, "cancelled");
	}
}

int registry_answers(struct registry *r, bool *ret, struct error *err)
{
	struct registry_request a = {
		.method = "GET", .path = "", .action = "cannot reach the registry", .of_api = true};
	struct http_reply reply = {0};
	int e = registry_send(r, &a, &reply, err);
	const char *body = buf_str(&reply.body);

	/* A web server that answers every path with a page is not a registry. */
	*ret = reply.status == 401 || reply.status == 403 ||
	       (reply.status == 200 && body[strspn(body, " \t\r\n")] != '<');
	http_reply_free(&reply);
	return e;
}

static int registry_refused(struct registry *r, const struct http_reply *reply, const char *action, struct error *err)
{
	char label[600];

	return registry_explain(reply, registry_label(r, label, sizeof(label)), action, err);
}

/* The header with the digest is optional in a reply to HEAD: without it, the digest of the manifest is computed. */
static int registry_find_by_reading(struct registry *r, const char *target, char ret_digest[IMAGE_DIGEST_SIZE],
				    struct error *err)
{
	_buf_ struct buf manifest = BUF_INIT(IMAGE_MANIFEST_MAX);
	char media_type[IMAGE_MEDIA_MAX];
	int e = registry_get_manifest(r, target, &manifest, media_type, err);

	return e == 0 ? image_digest(buf_str(&manifest), manifest.len, ret_digest) : e;
}

/* Registries and proxies that do not support HEAD answer with different codes: Nexus 404, others 403 or 405. */
static bool registry_head_is_refused(int status)
{
	return status == 400 || status == 403 || status == 404 || status == 405 || status == 501;
}

int registry_find(struct registry *r, const char *target, char ret_digest[IMAGE_DIGEST_SIZE], struct error *err)
{
	_free_ char *path = NULL;
	struct registry_request a = {
		.method = "HEAD", .header = "Accept: " IMAGE_MANIFEST_ACCEPT, .action = "cannot look up the image"};
	struct http_reply reply = {0};
	char digest[IMAGE_DIGEST_SIZE + 1]; /* one byte more, so that a longer value is detected */
	int e;

	if (asprintf(&path, "manifests/%s", target) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	a.path = path;
	e = registry_send(r, &a, &reply, err);
	http_header(&reply, "Docker-Content-Digest", digest, sizeof(digest));
	if (e == 0 && (registry_head_is_refused(reply.status) || (reply.status == 200 && !*digest)))
		e = registry_find_by_reading(r, target, digest, err);
	else if (e == 0 && reply.status != 200)
		e = registry_refused(r, &reply, a.action, err);
	else if (e == 0 && !image_digest_is_valid(digest))
		e = error_set(err, -EBADMSG, "the reply of %s has no valid digest of %s", r->base, target);
	if (e == 0)
		strcpy(ret_digest, digest);
	http_reply_free(&reply);
	return e;
}

/* Verifies the digest if the request or the reply names one. A page of a proxy is recognized because it is no JSON. */
static int registry_check_manifest(const struct http_reply *reply, const char *target, const char *digest,
				   struct error *err)
{
	cJSON *body;
	int e = json_parse(buf_str(&reply->body), reply->body.len, &body, NULL);
	bool is_object = cJSON_IsObject(body);
	char named[IMAGE_DIGEST_SIZE + 1];
	const char *expected = image_digest_is_valid(target)
				       ? target
				       : http_header(reply, "Docker-Content-Digest", named, sizeof(named));

	cJSON_Delete(body);
	if (image_digest_is_valid(expected) && strcmp(digest, expected) != 0)
		return error_set(err, -EBADMSG,
				 "the manifest has the digest %.19s, not %.19s: it was changed in transit", digest,
				 expected);
	if (e == -ENOMEM)
		return e;
	return is_object ? 0 : error_set(err, -EBADMSG, "the manifest of %s is not a JSON object", target);
}

static int registry_take_manifest(struct http_reply *reply, const char *target, struct buf *out, char *media_type,
				  struct error *err)
{
	char digest[IMAGE_DIGEST_SIZE];
	int e = image_digest(buf_str(&reply->body), reply->body.len, digest);

	if (e == 0)
		e = registry_check_manifest(reply, target, digest, err);
	http_header(reply, "Content-Type", media_type, IMAGE_MEDIA_MAX);
	media_type[strcspn(media_type, "; ")] = '\0';
	return e < 0 ? e : buf_append(out, buf_str(&reply->body), reply->body.len);
}

int registry_get_manifest(struct registry *r, const char *target, struct buf *out, char media_type[IMAGE_MEDIA_MAX],
			  struct error *err)
{
	_free_ char *path = NULL;
	struct registry_request a = {.method = "GET",
				     .header = "Accept: " IMAGE_MANIFEST_ACCEPT,
				     .action = "cannot read the manifest",
				     .reply_max = IMAGE_MANIFEST_MAX};
	struct http_reply reply = {0};
	int e;

	if (asprintf(&path, "manifests/%s", target) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	a.path = path;
	e = registry_send(r, &a, &reply, err);
	if (e == 0)
		e = reply.status == 200 ? registry_take_manifest(&reply, target, out, media_type, err)
					: registry_refused(r, &reply, a.action, err);
	http_reply_free(&reply);
	return e;
}

int registry_get_blob(struct registry *r, const struct image_blob *blob, struct buf *out, struct error *err)
{
	_free_ char *path = NULL;
	struct registry_request a = {
		.method = "GET", .action = "cannot read the config", .reply_max = (size_t)blob->size + 1};
	struct http_reply reply = {0};
	char digest[IMAGE_DIGEST_SIZE] = "";
	int e;

	if (asprintf(&path, "blobs/%s", blob->digest) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	a.path = path;
	e = registry_send(r, &a, &reply, err);
	if (e == 0 && reply.status != 200)
		e = registry_refused(r, &reply, a.action, err);
	if (e == 0)
		e = image_digest(buf_str(&reply.body), reply.body.len, digest);
	if (e == 0 && strcmp(digest, blob->digest) != 0)
		e = error_set(err, -EBADMSG, "the config has the digest %.19s, not %.19s: it was changed in transit",
			      digest, blob->digest);
	if (e == 0)
		e = buf_append(out, buf_str(&reply.body), reply.body.len);
	http_reply_free(&reply);
	return e;
}

int registry_put_manifest(struct registry *r, const char *tag, const char *media_type, const struct buf *manifest,
			  struct error *err)
{
	_free_ char *path = NULL, *header = NULL;
	struct registry_request a = {.method = "PUT", .action = "cannot store the manifest", .body = manifest};
	struct http_reply reply = {0};
	int e;

	if (asprintf(&path, "manifests/%s", tag) < 0)
		path = NULL;
	if (asprintf(&header, "Content-Type: %s", media_type) < 0)
		header = NULL;
	if (!path || !header)
		return -ENOMEM;
	a.path = path;
	a.header = header;
	e = registry_send(r, &a, &reply, err);
	if (e == 0 && reply.status != 201 && reply.status != 200)
		e = registry_refused(r, &reply, a.action, err);
	http_reply_free(&reply);
	return e;
}
