/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/failure.h"

#include <string.h>

/* The failures of libcurl with their remedies. Unlisted ones are -EIO. */
static const struct failure {
	CURLcode code;
	int errnum;
	const char *words;
	const char *remedy;
} failures[] = {
	{CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "the server did not reply in time",
	 "check the network connection, the region and the proxy settings"},
	{CURLE_COULDNT_RESOLVE_HOST, -ENETUNREACH, "cannot resolve the host name",
	 "check the network connection, the name server and aws_region"},
	{CURLE_COULDNT_RESOLVE_PROXY, -ENETUNREACH, "cannot resolve the name of the proxy",
	 "check https_proxy, http_proxy and NO_PROXY"},
	{CURLE_COULDNT_CONNECT, -ENETUNREACH, "cannot connect",
	 "check the network connection, the proxy settings and AWS_ENDPOINT_URL"},
	{CURLE_SEND_ERROR, -ECONNRESET, "the connection was lost while sending", NULL},
	{CURLE_RECV_ERROR, -ECONNRESET, "the connection was lost while receiving", NULL},
	{CURLE_GOT_NOTHING, -ECONNRESET, "the connection was closed without a reply", NULL},
	{CURLE_PARTIAL_FILE, -ECONNRESET, "the connection was closed in the middle of the reply", NULL},
	{CURLE_PEER_FAILED_VERIFICATION, -EPROTO, "the certificate of the server is not trusted",
	 "if a proxy inspects TLS, set AWS_CA_BUNDLE to the file of its certificates and restart vastfs"},
	{CURLE_SSL_CACERT_BADFILE, -EPROTO, "the file of trusted certificates cannot be read",
	 "check AWS_CA_BUNDLE and ca_bundle in the profile"},
	{CURLE_SSL_CONNECT_ERROR, -ECONNRESET, "cannot establish a TLS connection",
	 "check the URL of the endpoint (http or https) and the proxy settings"},
	{CURLE_PROXY, -ENETUNREACH, "the proxy refused the connection", "check https_proxy, http_proxy and NO_PROXY"},
	{CURLE_UNSUPPORTED_PROTOCOL, -EINVAL, "not an http or https URL", "check AWS_ENDPOINT_URL"},
	{CURLE_URL_MALFORMAT, -EINVAL, "not a valid URL", "check AWS_ENDPOINT_URL"},
	{CURLE_WEIRD_SERVER_REPLY, -EBADMSG, "the reply is not HTTP", NULL},
	{CURLE_BAD_CONTENT_ENCODING, -EBADMSG, "the encoding of the reply is invalid", NULL},
	{CURLE_OUT_OF_MEMORY, -ENOMEM, "out of memory", NULL},
};

static const struct failure unknown_failure = {.errnum = -EIO, .words = "the request failed"};

static const struct failure *failure_find(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code)
			return &failures[i];
	return &unknown_failure;
}

static enum error_duration failure_duration(int errnum)
{
	switch (errnum) {
	case -ETIMEDOUT:
	case -ENETUNREACH:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EBADMSG:
		return ERROR_TRANSIENT;
	case -EPROTO:
		return ERROR_FIXABLE;
	default:
		return ERROR_PERMANENT;
	}
}

/* The failure for the status with which a proxy refused CONNECT. */
static const struct failure *failure_of_proxy(long status)
{
	static const struct failure wants_credentials = {
		.errnum = -EACCES,
		.words = "the proxy requires credentials",
		.remedy =
			"set https_proxy (http_proxy for http URLs) to http://USER:PASSWORD@HOST:PORT, or add the host "
			"to NO_PROXY, and restart vastfs"};
	static const struct failure refuses = {.errnum = -EACCES,
					       .words = "the proxy refuses to connect to this host",
					       .remedy = "ask the administrator of the proxy to allow this host, or "
							 "add it to NO_PROXY and restart vastfs"};
	static const struct failure fails = {.errnum = -ENETUNREACH,
					     .words = "the proxy cannot connect to this host",
					     .remedy = "check https_proxy, http_proxy and NO_PROXY"};

	return status == 407 ? &wants_credentials : status < 500 ? &refuses : &fails;
}

void failure_explain_proxy(const char *url, long status, struct error *err)
{
	const struct failure *f = failure_of_proxy(status);
	const char *host = url && strstr(url, "://") ? strstr(url, "://") + 3 : "the server";

	error_set(err, f->errnum, "%.*s: %s (HTTP status %ld)", (int)strcspn(host, "/?"), host, f->words, status);
	err->duration = failure_duration(f->errnum);
	error_remedy(err, "%s", f->remedy);
}

/* Names only the host, because the query of a URL may contain a secret. */
void failure_explain(const struct transfer *t, CURLcode code, const char *curl_says, struct error *err)
{
	const struct failure *f = failure_find(code);
	int errnum = f->errnum;
	char *url = NULL;
	const char *host;
	long os = 0, connect_status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
	if (connect_status >= 300) {
		failure_explain_proxy(url, connect_status, err);
		return;
	}
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
	if (code == CURLE_COULDNT_CONNECT && os == ECONNREFUSED)
		errnum = -ECONNREFUSED;
	if (code == CURLE_UNSUPPORTED_PROTOCOL &&
	    t->sent) { /* libcurl reports a reply without a status line with this code */
		f = failure_find(CURLE_WEIRD_SERVER_REPLY);
		errnum = f->errnum;
	}
	host = url && strstr(url, "://") ? strstr(url, "://") + 3 : "the server";
	error_set(err, errnum, "%.*s: %s (%s)", (int)strcspn(host, "/?"), host, f->words,
		  curl_says[0] ? curl_says : curl_easy_strerror(code));
	err->duration = failure_duration(errnum);
	if (f->remedy)
		error_remedy(err, "%s", f->remedy);
}
