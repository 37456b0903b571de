/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/url.h"

#include "base/cleanup.h"
#include "image/reference.h"

#include <curl/curl.h>
#include <string.h>

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

struct origin {
	char *scheme, *host, *port;
};

static void origin_release(struct origin *o)
{
	curl_free(o->scheme);
	curl_free(o->host);
	curl_free(o->port);
}

static bool origin_of(const char *url, struct origin *ret)
{
	_cleanup_(curl_url_cleanup_cleanup) CURLU *u = curl_url();

	*ret = (struct origin){NULL};
	return u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_HOST, &ret->host, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

static bool url_is_http(const CURLU *u)
{
	char *scheme = NULL;
	bool good = curl_url_get((CURLU *)u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);

	curl_free(scheme);
	return good;
}

static char *url_text(CURLU *u)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return NULL;
	copy = strdup(text);
	curl_free(text);
	return copy;
}

char *image_url_resolve(const char *base, const char *reference)
{
	_cleanup_(curl_url_cleanup_cleanup) CURLU *u = curl_url();

	if (!u || !*reference || curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_URL, reference, 0) != CURLUE_OK || !url_is_http(u))
		return NULL;
	return url_text(u);
}

char *image_url_with(const char *url, const char *name, const char *value)
{
	_cleanup_(curl_url_cleanup_cleanup) CURLU *u = curl_url();
	_free_ char *parameter = NULL;

	if (asprintf(&parameter, "%s=%s", name, value) < 0) {
		parameter = NULL;
		return NULL;
	}
	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_QUERY, parameter, CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK)
		return NULL;
	return url_text(u);
}

bool image_url_same_origin(const char *a, const char *b)
{
	_cleanup_(origin_release) struct origin one, other;
	bool good = origin_of(a, &one);

	good = origin_of(b, &other) && good;
	return good && strcmp(one.scheme, other.scheme) == 0 && strcasecmp(one.host, other.host) == 0 &&
	       strcmp(one.port, other.port) == 0;
}

bool image_url_is_private(const char *url)
{
	_cleanup_(origin_release) struct origin o;

	return origin_of(url, &o) && (strcmp(o.scheme, "https") == 0 || image_host_is_loopback(o.host));
}

bool image_url_weakens(const char *from, const char *to)
{
	return strncasecmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0;
}
