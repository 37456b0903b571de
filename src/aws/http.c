/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/http.h"

#include "aws/failure.h"
#include "aws/transfer.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#define HEADER_MAX  ((size_t)64 << 10)
#define BULK_BUFFER 131072L

struct http_exchange {
	struct transfer transfer;
	struct engine_member member;
	struct curl_slist *headers;
	char curl_says[CURL_ERROR_SIZE];
	int (*sink)(const void *data, size_t len, void *arg);
	void *sink_arg;
	ssize_t (*source)(void *data, size_t len, void *arg);
	void *source_arg;
	int refused;	     /* the errno with which a callback stopped the exchange */
	size_t header_bytes; /* bytes of all header blocks, including interim replies */
	bool header_is_large;
	struct http_reply reply;
	void (*done)(struct http_reply *reply, void *arg);
	void *arg;
};

/* The start of the next line, or the end of the text, whether or not its last line has a newline. */
static const char *http_next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

char *http_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	out[0] = '\0';
	for (const char *line = buf_str(&reply->header); *line; line = http_next_line(line)) {
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
		break;
	}
	return out;
}

char *http_header_all(const struct http_reply *reply, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), used = 0;

	out[0] = '\0';
	for (const char *line = buf_str(&reply->header); *line && used < size; line = http_next_line(line)) {
		const char *value = line + len + 1; /* the value, but only if the line has that name */

		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? ", " : "",
						 (int)strcspn(value, "\n"), value);
	}
	return out;
}

void http_reply_free(struct http_reply *reply)
{
	buf_free(&reply->body);
	buf_free(&reply->header);
}

static void http_free(struct http_exchange *x)
{
	if (x->transfer.owner)
		transfer_remove(&x->transfer);
	if (x->member.link.next)
		engine_leave(&x->member);
	curl_easy_cleanup(x->transfer.easy);
	for (struct curl_slist *h = x->headers; h; h = h->next)
		OPENSSL_cleanse(h->data, strlen(h->data)); /* it may contain tokens and passwords */
	curl_slist_free_all(x->headers);
	http_reply_free(&x->reply);
	free(x);
}

void http_cancel(struct http_exchange *x)
{
	if (x)
		http_free(x);
}

static void http_finish(struct http_exchange *x)
{
	engine_leave(&x->member);
	x->reply.sent = x->transfer.sent;
	x->done(&x->reply, x->arg);
	http_free(x);
}

static void http_stopped(struct engine_member *g)
{
	struct http_exchange *x = container_of(g, struct http_exchange, member);

	transfer_remove(&x->transfer);
	error_set(&x->reply.error, -ECANCELED, "vastfs is shutting down");
	http_finish(x);
}

/* A status line begins a new header block: the block of an interim reply is dropped. */
static size_t http_take_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t len = size * count, text = len;

	x->header_bytes += len;
	if (x->header_bytes > HEADER_MAX) {
		x->refused = -EFBIG;
		x->header_is_large = true;
		return 0;
	}
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_clear(&x->reply.header);
		return len;
	}
	while (text && (data[text - 1] == '\r' || data[text - 1] == '\n'))
		text--;
	if (!text)
		return len;
	buf_append(&x->reply.header, data, text);
	buf_putc(&x->reply.header, '\n');
	x->refused = x->reply.header.error;
	return x->refused ? 0 : len;
}

static size_t http_take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(x->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->sink && status >= 200 && status < 300)
		x->refused = x->sink(data, len, x->sink_arg);
	else
		x->refused = buf_append(&x->reply.body, data, len);
	if (x->refused == HTTP_PAUSE) {
		x->refused = 0;
		return CURL_WRITEFUNC_PAUSE;
	}
	return x->refused ? 0 : len;
}

static size_t http_give_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	ssize_t n = x->source(data, size * count, x->source_arg);

	if (n > 0)
		return (size_t)n;
	x->refused = (int)n;
	return n == 0 ? CURL_READFUNC_PAUSE : CURL_READFUNC_ABORT;
}

void http_resume(struct http_exchange *x)
{
	if (x)
		curl_easy_pause(x->transfer.easy, CURLPAUSE_CONT);
}

static void http_describe_failure(struct http_exchange *x, CURLcode code)
{
	if (x->refused)
		error_set(&x->reply.error, x->refused,
			  x->header_is_large	  ? "the header of the reply is larger than 64 KiB"
			  : x->refused == -EFBIG  ? "the reply is larger than allowed"
			  : x->refused == -ENOMEM ? "out of memory"
						  : "the reply could not be stored");
	else
		failure_explain(&x->transfer, code, x->curl_says, &x->reply.error);
}

/* Only a proxy gives this reply. For the caller the server was not reached. */
static void http_refused_by_proxy(struct http_exchange *x)
{
	char *url = NULL;

	curl_easy_getinfo(x->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
	failure_explain_proxy(url, x->reply.status, &x->reply.error);
	x->reply.status = 0;
}

static void http_ended(struct transfer *t, CURLcode code)
{
	struct http_exchange *x = container_of(t, struct http_exchange, transfer);
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	x->reply.status = (int)status;
	if (code != CURLE_OK)
		http_describe_failure(x, code);
	else if (status == 407)
		http_refused_by_proxy(x);
	http_finish(x);
}

static int http_add_headers(struct http_exchange *x, const char *const *headers)
{
	static const char *const none[] = {NULL};
	/* Prevents libcurl from adding these headers itself. */
	static const char *const quiet[] = {"Expect:", "Accept:", NULL};
	const char *const *lists[] = {quiet, headers ? headers : none};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *const *h = lists[i]; *h; h++) {
			struct curl_slist *more = curl_slist_append(x->headers, *h);

			if (!more)
				return -ENOMEM;
			x->headers = more;
		}
	}
	return 0;
}

static void http_set_limits(struct http_exchange *x, const struct http_request *r)
{
	transfer_set(&x->transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
	transfer_set(&x->transfer, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	if (r->stall_s) {
		transfer_set(&x->transfer, CURLOPT_LOW_SPEED_LIMIT, 1L);
		transfer_set(&x->transfer, CURLOPT_LOW_SPEED_TIME, (long)r->stall_s);
	}
	transfer_set(&x->transfer, CURLOPT_TCP_KEEPALIVE, 1L);
	transfer_set(&x->transfer, CURLOPT_TCP_KEEPIDLE, 30L);
	transfer_set(&x->transfer, CURLOPT_TCP_KEEPINTVL, 30L);
	transfer_set(&x->transfer, CURLOPT_FRESH_CONNECT, r->fresh ? 1L : 0L);
	/* Kept connections would only fill the pool, because the next such request has its own, too. */
	transfer_set(&x->transfer, CURLOPT_FORBID_REUSE, r->fresh ? 1L : 0L);
	if (r->ca_file) {
		transfer_set(&x->transfer, CURLOPT_CAINFO, r->ca_file);
		transfer_set(&x->transfer, CURLOPT_PROXY_CAINFO, r->ca_file);
	}
	if (r->bulk) {
		transfer_set(&x->transfer, CURLOPT_BUFFERSIZE, BULK_BUFFER);
		transfer_set(&x->transfer, CURLOPT_UPLOAD_BUFFERSIZE, BULK_BUFFER);
	}
	if (r->no_proxy)
		transfer_set(&x->transfer, CURLOPT_PROXY, "");
}

static void http_set_request(struct http_exchange *x, const struct http_request *r)
{
	transfer_set(&x->transfer, CURLOPT_NOSIGNAL, 1L);
	/*
	 * Otherwise a name server that does not answer would delay the end of a transfer, the end of the engine, and so
	 * an unmount.
	 */
	transfer_set(&x->transfer, CURLOPT_QUICK_EXIT, 1L);
	transfer_set(&x->transfer, CURLOPT_PROTOCOLS_STR, "http,https");
	transfer_set(&x->transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	transfer_set(&x->transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	transfer_set(&x->transfer, CURLOPT_PATH_AS_IS, 1L); /* the path sent must be the path signed */
	transfer_set(&x->transfer, CURLOPT_ERRORBUFFER, x->curl_says);
	transfer_set(&x->transfer, CURLOPT_HTTPHEADER, x->headers);
	transfer_set(&x->transfer, CURLOPT_HEADERFUNCTION, http_take_header);
	transfer_set(&x->transfer, CURLOPT_HEADERDATA, x);
	transfer_set(&x->transfer, CURLOPT_WRITEFUNCTION, http_take_body);
	transfer_set(&x->transfer, CURLOPT_WRITEDATA, x);
	if (strcmp(r->method, "HEAD") == 0)
		transfer_set(&x->transfer, CURLOPT_NOBODY, 1L);
	else if (r->source) {
		transfer_set(&x->transfer, CURLOPT_UPLOAD, 1L);
		transfer_set(&x->transfer, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_len);
		transfer_set(&x->transfer, CURLOPT_READFUNCTION, http_give_body);
		transfer_set(&x->transfer, CURLOPT_READDATA, x);
	} else if (r->body_len || strcmp(r->method, "POST") == 0) {
		transfer_set(&x->transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		transfer_set(&x->transfer, CURLOPT_POSTFIELDS, r->body_len ? r->body : "");
	}
	transfer_set(&x->transfer, CURLOPT_CUSTOMREQUEST, r->method);
}

struct http_exchange *http_start(struct engine *e, const struct http_request *request,
				 void (*done)(struct http_reply *reply, void *arg), void *arg)
{
	struct http_exchange *x = calloc(1, sizeof(*x));
	bool ready = false;

	if (!x)
		return NULL;
	x->done = done;
	x->arg = arg;
	x->sink = request->sink;
	x->sink_arg = request->sink_arg;
	x->source = request->source;
	x->source_arg = request->source_arg;
	buf_init(&x->reply.body, request->reply_max ? request->reply_max : HTTP_REPLY_MAX);
	x->reply.body.secret = request->secret;
	buf_init(&x->reply.header, HEADER_MAX);
	x->member.stopped = http_stopped;
	x->transfer.done = http_ended;
	x->transfer.easy = curl_easy_init();
	if (x->transfer.easy && http_add_headers(x, request->headers) == 0) {
		transfer_set(&x->transfer, CURLOPT_URL, request->url);
		http_set_request(x, request);
		http_set_limits(x, request);
		ready = !x->transfer.option_failed;
	}
	if (!ready) {
		http_free(x);
		return NULL;
	}
	engine_join(e, &x->member);
	transfer_start(engine_transfers(e), &x->transfer);
	return x;
}
