/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/sign.h"

#include "aws/protocol/encode.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM    "AWS4-HMAC-SHA256"
#define TEXT_MAX     ((size_t)1 << 20)
#define MOST_HEADERS 40
#define HASH_SIZE    32

/* A piece of text, not owned. */
struct slice {
	const char *at;
	size_t len;
};

struct stamp {
	char time[17]; /* 20150830T123600Z; its first 8 characters are the date */
	char scope[200];
};

void aws_signed_free(struct aws_signed *s)
{
	buf_free(&s->canonical);
	buf_free(&s->string_to_sign);
	buf_free(&s->headers);
}

static void sign_to_hex(const unsigned char hash[HASH_SIZE], char out[static AWS_SHA256_HEX])
{
	for (int i = 0; i < HASH_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

int aws_sha256_hex(const void *data, size_t len, char out[static AWS_SHA256_HEX])
{
	unsigned char hash[HASH_SIZE];

	if (!EVP_Digest(len ? data : "", len, hash, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	sign_to_hex(hash, out);
	return 0;
}

static int sign_hmac(const void *key, size_t key_len, const char *text, unsigned char out[HASH_SIZE])
{
	size_t len = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len, (const unsigned char *)text, strlen(text),
			 out, HASH_SIZE, &len)
		       ? 0
		       : -ENOMEM;
}

static int sign_derive_key(const struct aws_to_sign *r, const char *secret, const char *date,
			   unsigned char key[HASH_SIZE])
{
	const char *steps[] = {date, r->region, r->service, "aws4_request"};
	_buf_ struct buf start = BUF_INIT_SECRET(TEXT_MAX);
	int e;

	buf_printf(&start, "AWS4%s", secret);
	if (start.error)
		return start.error;
	e = sign_hmac(start.data, start.len, steps[0], key);
	for (size_t i = 1; i < ARRAY_SIZE(steps) && !e; i++)
		e = sign_hmac(key, HASH_SIZE, steps[i], key);
	return e;
}

void aws_key_cache_clear(struct aws_key_cache *cache)
{
	OPENSSL_cleanse(cache, sizeof(*cache));
}

/* A hash of the input of a derived key, so that the cache contains no secret in plain text. */
static int sign_name_key(const struct aws_to_sign *r, const char *secret, const char *date, unsigned char of[HASH_SIZE])
{
	_buf_ struct buf b = BUF_INIT_SECRET(TEXT_MAX);

	buf_printf(&b, "%s\n%.8s\n%s\n%s", secret, date, r->region, r->service);
	if (b.error)
		return b.error;
	return EVP_Digest(b.data, b.len, of, NULL, EVP_sha256(), NULL) ? 0 : -ENOMEM;
}

static int sign_key(struct aws_key_cache *cache, const struct aws_to_sign *r, const char *secret, const char *time,
		    unsigned char key[HASH_SIZE])
{
	unsigned char of[HASH_SIZE];
	char date[9];
	unsigned i;
	int e;

	snprintf(date, sizeof(date), "%.8s", time);
	if (!cache)
		return sign_derive_key(r, secret, date, key);
	e = sign_name_key(r, secret, date, of);
	if (e < 0)
		return e;
	for (i = 0; i < ARRAY_SIZE(cache->entries); i++) {
		if (!cache->entries[i].used || memcmp(cache->entries[i].of, of, HASH_SIZE) != 0)
			continue;
		memcpy(key, cache->entries[i].key, HASH_SIZE);
		return 0;
	}
	e = sign_derive_key(r, secret, date, key);
	if (e < 0)
		return e;
	i = cache->next++ % ARRAY_SIZE(cache->entries);
	memcpy(cache->entries[i].of, of, HASH_SIZE);
	memcpy(cache->entries[i].key, key, HASH_SIZE);
	cache->entries[i].used = true;
	return 0;
}

static void sign_encode(struct buf *out, struct slice s, const char *also_kept)
{
	aws_encode(out, s.at, s.len, also_kept);
}

static int sign_hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decodes and encodes again, so that equivalent encodings of a text become equal. */
static void sign_encode_again(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		int high = i + 2 < s.len ? sign_hex_digit(s.at[i + 1]) : -1;
		int low = high >= 0 ? sign_hex_digit(s.at[i + 2]) : -1;
		char c = s.at[i];

		if (c == '%' && low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		}
		sign_encode(out, (struct slice){&c, 1}, "");
	}
}

/* Drops the last segment of a path that ends with a slash. */
static void sign_drop_segment(struct buf *out)
{
	if (out->len > 1)
		out->len--;
	while (out->len > 1 && out->data[out->len - 1] != '/')
		out->len--;
	out->data[out->len] = '\0';
}

/* Resolves "." and ".." and drops empty segments; a slash at the end stays (RFC 3986 section 5.2.4). */
static void sign_normalize_path(struct buf *out, const char *path)
{
	if (buf_putc(out, '/') < 0)
		return;
	while (*path) {
		size_t len = strcspn(path, "/");
		bool more = path[len] == '/';

		if (len == 2 && memcmp(path, "..", 2) == 0) {
			sign_drop_segment(out);
		} else if (len && !(len == 1 && *path == '.')) {
			buf_append(out, path, len);
			if (more)
				buf_putc(out, '/');
		}
		path += len + more;
	}
}

static void sign_put_path(struct buf *out, const char *path)
{
	_buf_ struct buf normal = BUF_INIT(TEXT_MAX);

	sign_normalize_path(&normal, path);
	sign_encode(out, (struct slice){buf_str(&normal), normal.len}, "/");
	if (normal.error)
		out->error = normal.error;
}

static int sign_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One parameter as "key\1value": \1 is less than every byte of an encoded key, so parameters are sorted by their keys
 * first. */
static int sign_put_parameter(char **ret, const char *text, size_t len)
{
	_buf_ struct buf b = BUF_INIT(TEXT_MAX);
	const char *equals = memchr(text, '=', len);
	size_t key = equals ? (size_t)(equals - text) : len;

	sign_encode_again(&b, (struct slice){text, key});
	buf_putc(&b, '\1');
	if (equals)
		sign_encode_again(&b, (struct slice){equals + 1, len - key - 1});
	*ret = b.error ? NULL : buf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

static size_t sign_count_parameters(const char *query)
{
	size_t n = 1;

	for (; *query; query++)
		n += *query == '&';
	return n;
}

static void sign_put_query(struct buf *out, const char *query)
{
	size_t n = 0;
	_free_ char **lines = calloc(sign_count_parameters(query), sizeof(*lines));

	if (!lines) {
		out->error = -ENOMEM;
		return;
	}
	for (const char *p = query; *p; p += *p == '&') {
		size_t len = strcspn(p, "&");

		if (len && sign_put_parameter(&lines[n], p, len) < 0)
			out->error = -ENOMEM;
		else if (len)
			n++;
		p += len;
	}
	qsort(lines, n, sizeof(*lines), sign_compare_lines);
	for (size_t i = 0; i < n; i++) {
		*strchr(lines[i], '\1') = '=';
		buf_printf(out, "%s%s", i ? "&" : "", lines[i]);
		free(lines[i]);
	}
}

/* Headers of a request, sorted by name; those of one name in the order given. */
struct header_set {
	const char *lines[MOST_HEADERS];
	size_t count;
};

static size_t sign_name_length(const char *line)
{
	return strcspn(line, ":");
}

static int sign_compare_names(const char *a, const char *b)
{
	size_t la = sign_name_length(a), lb = sign_name_length(b);
	int c = strncasecmp(a, b, la < lb ? la : lb);

	return c ? c : (la > lb) - (la < lb);
}

static int sign_add_header(struct header_set *set, const char *line)
{
	size_t i = set->count;

	if (i == MOST_HEADERS)
		return -E2BIG;
	for (; i && sign_compare_names(set->lines[i - 1], line) > 0; i--)
		set->lines[i] = set->lines[i - 1];
	set->lines[i] = line;
	set->count++;
	return 0;
}

/* The value without blanks at its ends, runs of blanks as one. */
static void sign_put_value(struct buf *out, const char *value)
{
	value += strspn(value, " \t\r\n");
	while (*value) {
		size_t word = strcspn(value, " \t\r\n");

		buf_append(out, value, word);
		value += word;
		value += strspn(value, " \t\r\n");
		if (*value)
			buf_putc(out, ' ');
	}
}

static void sign_put_name(struct buf *out, const char *line)
{
	for (size_t n = sign_name_length(line), i = 0; i < n; i++)
		buf_putc(out, (char)tolower((unsigned char)line[i]));
}

static bool sign_is_repeated(const struct header_set *set, size_t i)
{
	return i && sign_compare_names(set->lines[i - 1], set->lines[i]) == 0;
}

static void sign_put_headers(struct buf *out, const struct header_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *colon = strchr(set->lines[i], ':');

		if (sign_is_repeated(set, i)) {
			out->len--; /* the newline */
			buf_putc(out, ',');
		} else {
			sign_put_name(out, set->lines[i]);
			buf_putc(out, ':');
		}
		sign_put_value(out, colon ? colon + 1 : "");
		buf_putc(out, '\n');
	}
}

static void sign_put_names(struct buf *out, const struct header_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (sign_is_repeated(set, i))
			continue;
		if (i)
			buf_putc(out, ';');
		sign_put_name(out, set->lines[i]);
	}
}

static void sign_put_canonical(struct buf *out, const struct aws_to_sign *r, const struct header_set *set,
			       const char *hash)
{
	buf_printf(out, "%s\n", r->method);
	sign_put_path(out, r->path);
	buf_putc(out, '\n');
	sign_put_query(out, r->query);
	buf_putc(out, '\n');
	sign_put_headers(out, set);
	buf_putc(out, '\n');
	sign_put_names(out, set);
	buf_printf(out, "\n%s", hash);
}

static void sign_make_stamp(const struct aws_to_sign *r, struct stamp *ret)
{
	time_t seconds = r->wall_ms / 1000;
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	strftime(ret->time, sizeof(ret->time), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(ret->scope, sizeof(ret->scope), "%.8s/%s/%s/aws4_request", ret->time, r->region, r->service);
}

static int sign_canonical(const struct aws_to_sign *r, const struct aws_identity *who, struct aws_key_cache *cache,
			  const struct stamp *stamp, struct aws_signed *s)
{
	unsigned char key[HASH_SIZE], hash[HASH_SIZE];
	char hex[AWS_SHA256_HEX];
	int e;

	if (s->canonical.error)
		return s->canonical.error;
	e = aws_sha256_hex(s->canonical.data, s->canonical.len, hex);
	if (e < 0)
		return e;
	buf_printf(&s->string_to_sign, ALGORITHM "\n%s\n%s\n%s", stamp->time, stamp->scope, hex);
	if (s->string_to_sign.error)
		return s->string_to_sign.error;
	e = sign_key(cache, r, who->secret, stamp->time, key);
	if (!e)
		e = sign_hmac(key, sizeof(key), s->string_to_sign.data, hash);
	if (!e)
		sign_to_hex(hash, s->signature);
	OPENSSL_cleanse(key, sizeof(key));
	return e;
}

static void sign_init(struct aws_signed *s)
{
	*s = (struct aws_signed){0};
	buf_init_secret(&s->canonical, TEXT_MAX); /* secret because of the session token */
	buf_init(&s->string_to_sign, TEXT_MAX);
	buf_init_secret(&s->headers, TEXT_MAX);
}

static int sign_add_headers(struct header_set *set, const char *const *lines)
{
	int e = 0;

	for (; *lines && !e; lines++)
		e = sign_add_header(set, *lines);
	return e;
}

int aws_sign(const struct aws_to_sign *r, const struct aws_identity *who, struct aws_key_cache *cache,
	     struct aws_signed *ret)
{
	char hash[AWS_SHA256_HEX] = "", date_line[40];
	_buf_ struct buf token_line = BUF_INIT_SECRET(TEXT_MAX);
	struct header_set set = {.count = 0};
	struct stamp stamp;
	int e = sign_add_headers(&set, r->headers);

	sign_init(ret);
	sign_make_stamp(r, &stamp);
	e = e ? e : aws_sha256_hex(r->body, r->body_len, hash);
	snprintf(date_line, sizeof(date_line), "X-Amz-Date: %s", stamp.time);
	buf_printf(&token_line, "X-Amz-Security-Token: %s", who->token);
	e = e ? e : token_line.error;
	e = e ? e : sign_add_header(&set, date_line);
	if (!e && *who->token)
		e = sign_add_header(&set, token_line.data);
	if (e < 0)
		return e;
	sign_put_canonical(&ret->canonical, r, &set, hash);
	e = sign_canonical(r, who, cache, &stamp, ret);
	if (e < 0)
		return e;
	buf_printf(&ret->headers, "%s\n", date_line);
	if (*who->token)
		buf_printf(&ret->headers, "%s\n", token_line.data);
	buf_printf(&ret->headers, "Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=", who->key_id,
		   stamp.scope);
	sign_put_names(&ret->headers, &set);
	buf_printf(&ret->headers, ", Signature=%s", ret->signature);
	return ret->headers.error;
}
