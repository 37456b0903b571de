/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/url.h"

#include "base/cleanup.h"
#include "image/reference.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)

struct origin {
	char *scheme, *host, *port;
};

static void url_origin_release(struct origin *o)
{
	curl_free(o->scheme);
	curl_free(o->host);
	curl_free(o->port);
}

static int url_errno(CURLUcode code)
{
	if (code == CURLUE_OK)
		return 0;
	return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static int url_origin_of(const char *url, struct origin *ret)
{
	_cleanup_(curl_url_cleanup_cleanup) CURLU *u = curl_url();
	CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;

	*ret = (struct origin){NULL};
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_SCHEME, &ret->scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_HOST, &ret->host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT);
	return url_errno(code);
}

/* 0, -EINVAL, or -ENOMEM. */
static int url_check_web(const CURLU *u)
{
	char *scheme = NULL;
	int e = url_errno(curl_url_get((CURLU *)u, CURLUPART_SCHEME, &scheme, 0));

	if (e == 0 && strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		e = -EINVAL;
	curl_free(scheme);
	return e;
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

int image_url_resolve(const char *base, const char *reference, char **ret)
{
	_cleanup_(curl_url_cleanup_cleanup) CURLU *u = curl_url();
	int e = u ? url_errno(curl_url_set(u, CURLUPART_URL, base, 0)) : -ENOMEM;

	*ret = NULL;
	if (e == 0)
		e = *reference ? url_errno(curl_url_set(u, CURLUPART_URL, reference, 0)) : -EINVAL;
	if (e == 0)
		e = url_check_web(u);
	if (e < 0)
		return e;
	*ret = url_text(u);
	return *ret ? 0 : -ENOMEM;
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

int image_url_same_origin(const char *a, const char *b)
{
	_cleanup_(url_origin_release) struct origin one, other;
	int e = url_origin_of(a, &one), e_other = url_origin_of(b, &other);

	if (e == -ENOMEM || e_other == -ENOMEM)
		return -ENOMEM;
	return e == 0 && e_other == 0 && strcmp(one.scheme, other.scheme) == 0 &&
	       strcasecmp(one.host, other.host) == 0 && strcmp(one.port, other.port) == 0;
}

int image_url_is_private(const char *url)
{
	_cleanup_(url_origin_release) struct origin o;
	int e = url_origin_of(url, &o);

	if (e == -ENOMEM)
		return e;
	return e == 0 && (strcmp(o.scheme, "https") == 0 || image_host_is_loopback(o.host));
}

bool image_url_weakens(const char *from, const char *to)
{
	return strncasecmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0;
}
