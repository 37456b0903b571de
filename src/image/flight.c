/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/flight.h"

#include "base/clock.h"
#include "image/url.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <string.h>

#define TRIES	      4
#define FIRST_WAIT_MS 1000
#define REDIRECTS     5
#define TIMEOUT_MS    60000
#define STALL_S	      60

static void flight_begin_step(struct flight *f);

/* -- the end --------------------------------------------------------------------------------------------------- */

void flight_reset(struct flight *f)
{
	http_cancel(move_ptr(f->in));
	http_cancel(move_ptr(f->out));
	engine_timer_cancel(&f->timer);
	free(move_ptr(f->upload));
	free(move_ptr(f->from));
	EVP_MD_CTX_free(move_ptr(f->hash));
	f->ring.at = f->ring.len = 0;
	f->in_paused = f->out_paused = f->in_ended = f->sent_all = false;
}

void flight_next_blob(struct flight *f)
{
	struct copy_job *j = f->job;

	flight_reset(f);
	f->item = NULL;
	if (j->next < j->copy->n) {
		f->item = &j->copy->items[j->next++];
		f->try = 0;
		f->forgotten = false;
		f->step = CHECKING;
		flight_begin_step(f);
	} else if (--j->busy == 0) {
		copy_end(j);
	}
}

static void flight_arrived(struct flight *f, bool sent)
{
	struct copy_job *j = f->job;

	if (sent)
		j->sent += f->item->blob.size;
	else
		copy_report(j, f->item->blob.size);
	flight_next_blob(f);
}

static void flight_retry(void *arg)
{
	struct flight *f = arg;

	f->step = CHECKING;
	flight_begin_step(f);
}

/* Ends the copy with err, or tries this blob again. transient: whether a retry may succeed. */
static void flight_failed(struct flight *f, const struct error *err, bool transient)
{
	struct copy_job *j = f->job;
	unsigned char jitter = 0;

	if (!transient || f->try + 1 >= TRIES) {
		j->error = *err;
		copy_end(j);
		return;
	}
	if (f->step == SENDING || f->step == COMMITTING || f->step == VERIFYING)
		j->done -= f->taken < j->done ? f->taken : j->done;
	flight_reset(f);
	RAND_bytes(&jitter, 1);
	engine_timer_set(j->engine, &f->timer, (FIRST_WAIT_MS << f->try) + jitter, flight_retry, f);
	f->try++;
}

static void flight_explain(struct flight *f, const struct registry *r, const struct http_reply *reply,
			   const char *action, struct error *ret)
{
	char label[600], what[120];

	snprintf(what, sizeof(what), "%s %.19s", action, f->item->blob.digest);
	registry_explain(reply, registry_label(r, label, sizeof(label)), what, ret);
}

static void flight_refused(struct flight *f, const struct registry *r, const struct http_reply *reply,
			   const char *action)
{
	struct error err = {0};

	flight_explain(f, r, reply, action, &err);
	flight_failed(f, &err, err.duration == ERROR_TRANSIENT);
}

/* A registry that has lost an upload (a restart, a clean-up) answers 404: the blob is sent again once. */
static bool flight_may_begin_again(struct flight *f, const struct http_reply *reply)
{
	bool again = registry_is_transient(reply);

	if (reply->status == 404 && !f->forgotten)
		f->forgotten = again = true;
	return again;
}

static void flight_no_memory(struct flight *f)
{
	struct error err = {0};

	error_set(&err, -ENOMEM, "out of memory");
	flight_failed(f, &err, false);
}

static void flight_broken(struct flight *f, const char *what, bool transient)
{
	struct error err = {0};
	char label[600];

	error_set(&err, -EBADMSG, "%s: layer %.19s %s", registry_label(f->job->copy->source, label, sizeof(label)),
		  f->item->blob.digest, what);
	flight_failed(f, &err, transient);
}

/* -- the ring -------------------------------------------------------------------------------------------------- */

static void flight_resume(void *arg)
{
	struct flight *f = arg;

	if (f->out_paused && f->ring.len) {
		f->out_paused = false;
		http_resume(f->out);
	}
	if (f->in_paused && RING_SIZE - f->ring.len >= RING_SIZE / 2) {
		f->in_paused = false;
		http_resume(f->in);
	}
}

/* A libcurl callback must not resume another transfer itself. */
static void flight_resume_soon(struct flight *f)
{
	engine_timer_set(f->job->engine, &f->timer, 0, flight_resume, f);
}

static int flight_take_bytes(const void *data, size_t len, void *arg)
{
	struct flight *f = arg;

	if (f->taken + len > f->item->blob.size)
		return -EMSGSIZE;
	if (RING_SIZE - f->ring.len < len) {
		f->in_paused = true;
		return HTTP_PAUSE;
	}
	if (!EVP_DigestUpdate(f->hash, data, len))
		return -ENOMEM;
	ring_put(&f->ring, data, len);
	f->taken += len;
	copy_report(f->job, len);
	if (f->out_paused)
		flight_resume_soon(f);
	return 0;
}

static ssize_t flight_give_bytes(void *data, size_t len, void *arg)
{
	struct flight *f = arg;
	size_t most = f->ring.len;

	/*
	 * The last byte is held back until the digest is verified, so that a truncated or altered blob never completes.
	 */
	if (!f->in_ended && f->taken == f->item->blob.size && most)
		most--;
	most = ring_get(&f->ring, data, most < len ? most : len);
	if (!most) {
		f->out_paused = true;
		return 0;
	}
	if (f->in_paused)
		flight_resume_soon(f);
	return (ssize_t)most;
}

/* -- requests -------------------------------------------------------------------------------------------------- */

static struct http_exchange *flight_send(struct flight *f, struct registry *r, struct http_request request,
					 void (*done)(struct http_reply *reply, void *arg))
{
	int own = image_url_same_origin(request.url, r->base);
	const char *headers[] = {"Content-Type: application/octet-stream", own > 0 ? r->authorization : NULL, NULL};

	if (own < 0)
		return NULL;
	request.headers = headers;
	request.stall_s = STALL_S;
	request.ca_file = r->ca_file;
	return http_start(f->job->engine, &request, done, f);
}

static void flight_start_out(struct flight *f, struct http_request request,
			     void (*done)(struct http_reply *reply, void *arg))
{
	f->out = request.url ? flight_send(f, f->job->copy->target, request, done) : NULL;
	if (!f->out)
		flight_no_memory(f);
}

static char *flight_blob_url(const struct registry *r, const struct flight *f)
{
	char path[IMAGE_DIGEST_SIZE + 8];

	snprintf(path, sizeof(path), "blobs/%s", f->item->blob.digest);
	return registry_url(r, path);
}

/* Stores the URL of the next request of the upload. -EINVAL if the reply has none, or -ENOMEM. */
static int flight_take_location(struct flight *f, const struct http_reply *reply, const char *base)
{
	char location[4096];
	char *url;
	int e = image_url_resolve(base, http_header(reply, "Location", location, sizeof(location)), &url);

	if (e == 0 && image_url_weakens(base, url))
		e = -EINVAL;
	if (e < 0) {
		free(url);
		return e;
	}
	free(f->upload);
	f->upload = url;
	return 0;
}

/* Digest or size must match: a proxy may answer 200 with a page of its own. */
static bool flight_head_found(const struct http_reply *reply, const struct flight *f)
{
	char digest[128], size[32], expected[32];

	http_header(reply, "Docker-Content-Digest", digest, sizeof(digest));
	http_header(reply, "Content-Length", size, sizeof(size));
	snprintf(expected, sizeof(expected), "%" PRIu64, f->item->blob.size);
	return reply->status == 200 && (strcmp(digest, f->item->blob.digest) == 0 || strcmp(size, expected) == 0);
}

/* A registry without HEAD is sent the blob; it refuses the manifest later if a blob is missing. */
static bool flight_head_is_unsupported(int status)
{
	return status == 200 || status == 400 || status == 405 || status == 501;
}

static void flight_checked(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;

	f->out = NULL;
	if (flight_head_found(reply, f)) {
		flight_arrived(f, false);
	} else if (reply->status == 404 || flight_head_is_unsupported(reply->status)) {
		f->step = BEGINNING;
		flight_begin_step(f);
	} else {
		flight_refused(f, f->job->copy->target, reply, "cannot look up layer");
	}
}

static const struct error *flight_not_stored(const struct flight *f, struct error *ret)
{
	error_set(ret, -EIO, "%s accepted layer %.19s but does not have it", f->job->copy->target->base,
		  f->item->blob.digest);
	return ret;
}

static void flight_verified(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;
	struct error err = {0};

	f->out = NULL;
	if (flight_head_found(reply, f) || (flight_head_is_unsupported(reply->status) && !error_is(&f->unsettled)))
		flight_arrived(f, true);
	else if (error_is(&f->unsettled))
		flight_failed(f, &f->unsettled, f->may_retry);
	else if (reply->status != 404)
		flight_refused(f, f->job->copy->target, reply, "cannot look up layer");
	else
		flight_failed(f, flight_not_stored(f, &err), true);
}

/* The blob may be stored although the reply was lost, or reports that the upload no longer exists. */
static void flight_committed(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;

	f->out = NULL;
	f->unsettled = (struct error){0};
	if (reply->status < 200 || reply->status >= 300 || error_is(&reply->error)) {
		flight_explain(f, f->job->copy->target, reply, "cannot store layer", &f->unsettled);
		f->may_retry = flight_may_begin_again(f, reply);
	}
	f->step = VERIFYING;
	flight_begin_step(f);
}

static void flight_begun(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;
	_free_ char *base = registry_url(f->job->copy->target, "blobs/uploads/");
	int e;

	f->out = NULL;
	if (reply->status == 201) { /* the registry has mounted the blob */
		flight_arrived(f, false);
		return;
	}
	if (reply->status != 202) {
		flight_refused(f, f->job->copy->target, reply, "cannot begin to store layer");
		return;
	}
	e = base ? flight_take_location(f, reply, base) : -ENOMEM;
	if (e == -ENOMEM) {
		flight_no_memory(f);
	} else if (e < 0) {
		flight_broken(f, "cannot be stored: the reply of the registry names no upload URL", false);
	} else {
		f->step = SENDING;
		flight_begin_step(f);
	}
}

/* -- sending --------------------------------------------------------------------------------------------------- */

/* The target is asked to complete the blob only after both transfers have ended. */
static void flight_commit_if_whole(struct flight *f)
{
	if (!f->in_ended || !f->sent_all)
		return;
	f->step = COMMITTING;
	flight_begin_step(f);
}

static void flight_sent(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;
	_free_ char *base = strdup(f->upload);

	f->out = NULL;
	if (reply->status < 200 || reply->status >= 300 || error_is(&reply->error)) { /* ECR answers 201, others 202 */
		struct error err = {0};

		flight_explain(f, f->job->copy->target, reply, "cannot send layer", &err);
		flight_failed(f, &err, flight_may_begin_again(f, reply));
		return;
	}
	if (!base || flight_take_location(f, reply, base) == -ENOMEM) {
		flight_no_memory(f);
		return;
	}
	f->sent_all = true;
	flight_commit_if_whole(f);
}

static bool flight_digest_is_right(struct flight *f)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned n = 0;

	if (!EVP_DigestFinal_ex(f->hash, hash, &n))
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return strcmp(hex, f->item->blob.digest + strlen("sha256:")) == 0;
}

static void flight_source_ended(struct flight *f)
{
	if (f->taken != f->item->blob.size) {
		flight_broken(f, "was truncated: fewer bytes arrived than its manifest lists", true);
	} else if (!flight_digest_is_right(f)) {
		flight_broken(f, "does not match its digest: it was changed in transit", false);
	} else {
		f->in_ended = true;
		if (f->out_paused)
			flight_resume_soon(f);
		flight_commit_if_whole(f);
	}
}

static void flight_start_source(struct flight *f);

static void flight_redirected(struct flight *f, const struct http_reply *reply)
{
	char location[4096];
	char *url;
	int e = image_url_resolve(f->from, http_header(reply, "Location", location, sizeof(location)), &url);

	if (e == -ENOMEM) {
		flight_no_memory(f);
		return;
	}
	if (e < 0 || image_url_weakens(f->from, url) || ++f->redirects > REDIRECTS) {
		free(url);
		flight_broken(f, "is redirected to an invalid or less secure URL, or too often", false);
		return;
	}
	free(f->from);
	f->from = url;
	flight_start_source(f);
}

static void flight_received(struct http_reply *reply, void *arg)
{
	struct flight *f = arg;

	f->in = NULL;
	if (reply->error.errnum == -EMSGSIZE)
		flight_broken(f, "is larger than its manifest lists", false);
	else if (!error_is(&reply->error) && reply->status >= 300 && reply->status < 400)
		flight_redirected(f, reply);
	else if (error_is(&reply->error) || reply->status != 200)
		flight_refused(f, f->job->copy->source, reply, "cannot read layer");
	else
		flight_source_ended(f);
}

static void flight_start_source(struct flight *f)
{
	struct http_request request = {
		.method = "GET", .url = f->from, .sink = flight_take_bytes, .sink_arg = f, .bulk = true};

	f->in = f->from ? flight_send(f, f->job->copy->source, request, flight_received) : NULL;
	if (!f->in)
		flight_no_memory(f);
}

/* Sends a blob whose content is in memory. */
static void flight_send_data(struct flight *f)
{
	struct http_request request = {
		.method = "PATCH", .url = f->upload, .body = f->item->data->data, .body_len = f->item->data->len};

	f->in_ended = true;
	f->taken = f->item->data->len;
	copy_report(f->job, f->taken);
	flight_start_out(f, request, flight_sent);
}

static void flight_send_blob(struct flight *f)
{
	struct http_request request = {.method = "PATCH",
				       .url = f->upload,
				       .body_len = (size_t)f->item->blob.size,
				       .source = flight_give_bytes,
				       .source_arg = f,
				       .bulk = true};

	f->taken = 0;
	f->redirects = 0;
	if (f->item->data) {
		flight_send_data(f);
		return;
	}
	if (!f->ring.data)
		f->ring.data = malloc(RING_SIZE);
	f->hash = EVP_MD_CTX_new();
	f->from = flight_blob_url(f->job->copy->source, f);
	if (!f->ring.data || !f->hash || !EVP_DigestInit_ex(f->hash, EVP_sha256(), NULL)) {
		flight_no_memory(f);
		return;
	}
	flight_start_out(f, request, flight_sent);
	if (f->out)
		flight_start_source(f);
}

/* -- the steps ------------------------------------------------------------------------------------------------- */

static char *flight_begin_url(const struct flight *f)
{
	_free_ char *url = registry_url(f->job->copy->target, "blobs/uploads/"), *mount = NULL;

	if (!f->job->copy->mount || f->item->data || !url)
		return move_ptr(url);
	mount = image_url_with(url, "mount", f->item->blob.digest);
	return mount ? image_url_with(mount, "from", f->job->copy->source->name) : NULL;
}

static void flight_begin_step(struct flight *f)
{
	const struct registry *target = f->job->copy->target;
	_free_ char *url = NULL;

	switch (f->step) {
	case CHECKING:
	case VERIFYING:
		url = flight_blob_url(target, f);
		flight_start_out(f, (struct http_request){.method = "HEAD", .url = url, .timeout_ms = TIMEOUT_MS},
				 f->step == CHECKING ? flight_checked : flight_verified);
		break;
	case BEGINNING:
		url = flight_begin_url(f);
		flight_start_out(f, (struct http_request){.method = "POST", .url = url, .timeout_ms = TIMEOUT_MS},
				 flight_begun);
		break;
	case SENDING:
		flight_send_blob(f);
		break;
	case COMMITTING:
		url = image_url_with(f->upload, "digest", f->item->blob.digest);
		flight_start_out(f, (struct http_request){.method = "PUT", .url = url}, flight_committed);
		break;
	}
}
