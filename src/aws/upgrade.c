/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/upgrade.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <string.h>

#define MAGIC "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* -- the address ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *scheme, *connect;
} schemes[] = {{"wss://", "https://"}, {"ws://", "http://"}, {"https://", "https://"}, {"http://", "http://"}};

static const char *upgrade_after_scheme(const char *url, const char **ret_connect)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strncasecmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
			continue;
		*ret_connect = schemes[i].connect;
		return url + strlen(schemes[i].scheme);
	}
	return NULL;
}

/* Refuses characters that would break the lines of the request. */
static bool upgrade_is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

int upgrade_url_parse(const char *url, struct upgrade_url *ret, struct error *err)
{
	const char *connect = "", *host = upgrade_after_scheme(url, &connect);
	size_t host_len = host ? strcspn(host, "/?#") : 0;
	const char *rest = host ? host + host_len : "";

	*ret = (struct upgrade_url){0};
	if (!host_len || memchr(host, '@', host_len) || !upgrade_is_printable(host))
		return error_set(err, -EINVAL, "invalid WebSocket URL");
	ret->host = strndup(host, host_len);
	if (asprintf(&ret->connect, "%s%s", connect, ret->host ? ret->host : "") < 0)
		ret->connect = NULL;
	if (asprintf(&ret->target, "%s%.*s", *rest == '/' ? "" : "/", (int)strcspn(rest, "#"), rest) < 0)
		ret->target = NULL;
	return ret->host && ret->connect && ret->target ? 0 : -ENOMEM;
}

void upgrade_url_free(struct upgrade_url *u)
{
	if (u->target)
		explicit_bzero(u->target, strlen(u->target));
	free(u->connect);
	free(u->host);
	free(u->target);
	*u = (struct upgrade_url){0};
}

/* -- the request ----------------------------------------------------------------------------------------------- */

void upgrade_key(const uint8_t random[16], char ret[UPGRADE_KEY_SIZE])
{
	EVP_EncodeBlock((unsigned char *)ret, random, 16);
}

int upgrade_request(const struct upgrade_url *u, const char *key, struct buf *out)
{
	return buf_printf(out,
			  "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nUser-Agent: vastfs/%s\r\n\r\n",
			  u->target, u->host, key, VASTFS_VERSION);
}

/* -- the reply ------------------------------------------------------------------------------------------------- */

static int upgrade_accept_value(const char *key, char ret[32])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[UPGRADE_KEY_SIZE + sizeof(MAGIC)];
	unsigned n;
	int len = snprintf(text, sizeof(text), "%s%s", key, MAGIC);

	if (!EVP_Digest(text, (size_t)len, hash, &n, EVP_sha1(), NULL))
		return -ENOMEM;
	EVP_EncodeBlock((unsigned char *)ret, hash, (int)n);
	return 0;
}

/* Copies the value of a header to out; "" if absent. head is a string whose lines end in CR LF. */
static void upgrade_find_header(const char *head, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	*out = '\0';
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		line += name_len + 1;
		line += strspn(line, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
		for (size_t n = strlen(out); n && isspace((unsigned char)out[n - 1]); n--)
			out[n - 1] = '\0';
		return;
	}
}

static int upgrade_refused(int status, struct error *err)
{
	error_set(err, -EPROTO, "the server refused the WebSocket (HTTP status %d)", status);
	err->http_status = status;
	return err->errnum;
}

static int upgrade_judge(const char *head, const char *key, struct error *err)
{
	char upgrade[32], accept[64], expected[32];
	int status, r = upgrade_accept_value(key, expected);

	if (r < 0)
		return r;
	if (sscanf(head, "HTTP/1.%*1[01] %3d", &status) != 1)
		return error_set(err, -EPROTO, "the reply is not HTTP/1.1");
	if (status != 101)
		return upgrade_refused(status, err);
	upgrade_find_header(head, "Upgrade", upgrade, sizeof(upgrade));
	upgrade_find_header(head, "Sec-WebSocket-Accept", accept, sizeof(accept));
	if (strcasecmp(upgrade, "websocket") != 0 || strcmp(accept, expected) != 0)
		return error_set(err, -EPROTO, "the reply does not accept the WebSocket: it may come from a proxy");
	return 0;
}

int upgrade_reply(const char *data, size_t len, const char *key, struct error *err)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	_free_ char *head = NULL;
	size_t head_len;
	int r;

	if (!end && len >= UPGRADE_REPLY_MAX)
		return error_set(err, -EPROTO, "the header of the reply is too long");
	if (!end)
		return 0;
	head_len = (size_t)(end - data) + 4;
	if (memchr(data, '\0', head_len))
		return error_set(err, -EPROTO, "the reply is not HTTP/1.1");
	head = strndup(data, head_len);
	if (!head)
		return -ENOMEM;
	r = upgrade_judge(head, key, err);
	return r < 0 ? r : (int)head_len;
}
