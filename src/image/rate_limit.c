/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/rate_limit.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST_S (INT_MAX / 1000)

static long rate_limit_clamp(long long n)
{
	return n < 0 ? -1 : n > MOST_S ? MOST_S : (long)n;
}

/* "100;w=21600": returns the number; *ret_window is the value of w, in seconds. */
static long rate_limit_read_number(const struct http_reply *reply, const char *name, long *ret_window)
{
	char text[128], *end;
	const char *window;
	long long n;

	http_header(reply, name, text, sizeof(text));
	n = strtoll(text, &end, 10);
	window = strstr(end, ";w=");
	if (window && ret_window)
		*ret_window = rate_limit_clamp(strtoll(window + strlen(";w="), NULL, 10));
	return end == text ? -1 : rate_limit_clamp(n);
}

static long rate_limit_read_retry_after(const struct http_reply *reply)
{
	char text[128];
	time_t when;

	http_header(reply, "Retry-After", text, sizeof(text));
	if (!*text || text[strspn(text, "0123456789")] == '\0')
		return rate_limit_read_number(reply, "Retry-After", NULL);
	when = curl_getdate(text, NULL);
	if (when < 0)
		return -1;
	when -= (time_t)(clock_wall_ms() / 1000);
	return when < 0 ? 0 : rate_limit_clamp(when);
}

void rate_limit_read(const struct http_reply *reply, struct rate_limit *ret)
{
	*ret = (struct rate_limit){.window_s = -1};
	ret->limit = rate_limit_read_number(reply, "ratelimit-limit", &ret->window_s);
	ret->remaining = rate_limit_read_number(reply, "ratelimit-remaining", NULL);
	ret->retry_after_s = rate_limit_read_retry_after(reply);
	http_header(reply, "docker-ratelimit-source", ret->source, sizeof(ret->source));
	if (ret->source[strspn(ret->source, "0123456789abcdefABCDEF.:-")] != '\0')
		ret->source[0] = '\0';
}

bool rate_limit_lasts(const struct rate_limit *l)
{
	return l->retry_after_s > RATE_LIMIT_PATIENCE_S || (l->retry_after_s < 0 && l->remaining == 0);
}

int rate_limit_wait_ms(const struct rate_limit *l, int usual_ms)
{
	long wait_s = l->retry_after_s < RATE_LIMIT_PATIENCE_S ? l->retry_after_s : RATE_LIMIT_PATIENCE_S;

	return wait_s * 1000 > usual_ms ? (int)wait_s * 1000 : usual_ms;
}

/* An address has dots or colons; an account ID is a UUID. */
static bool rate_limit_source_is_address(const char *source)
{
	return strpbrk(source, ".:") != NULL;
}

void rate_limit_advise(const struct rate_limit *l, struct error *err)
{
	char window[CLOCK_TEXT_SIZE], wait[CLOCK_TEXT_SIZE], who[160] = "the registry limits downloads",
							     until[64] = "wait and try again";
	bool known = l->limit >= 0 && l->window_s > 0;

	if (known)
		snprintf(who, sizeof(who), "the registry allows %ld downloads in %s%s%.64s", l->limit,
			 clock_duration((int64_t)l->window_s * 1000, window), *l->source ? " to " : "",
			 !*l->source || rate_limit_source_is_address(l->source) ? l->source : "this account");
	if (l->retry_after_s >= 0)
		snprintf(until, sizeof(until), "try again in %s",
			 clock_duration((int64_t)l->retry_after_s * 1000, wait));
	else if (known)
		snprintf(until, sizeof(until), "wait, at most %s", clock_duration((int64_t)l->window_s * 1000, wait));
	error_remedy(err, "%s: %sset VASTFS_REGISTRY_MIRROR, or %s", who,
		     *l->source && !rate_limit_source_is_address(l->source)
			     ? ""
			     : "log in with docker login for more downloads, ",
		     until);
}
