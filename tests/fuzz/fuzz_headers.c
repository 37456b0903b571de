/* SPDX-License-Identifier: BSD-3-Clause */
/* Searches the headers of a reply, with and without a line end after the last one. */
#include "aws/http.h"
#include "image/challenge.h"
#include "image/rate_limit.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_reply reply = {.header = BUF_INIT(len + 1)};
	struct rate_limit limit;
	struct challenge challenge;
	struct error err = {0};
	char value[256], all[2048];
	const char *list = all;

	buf_append(&reply.header, data, len);
	http_header(&reply, "Date", value, sizeof(value));
	fuzz_require(strlen(value) < sizeof(value) && !strchr(value, '\n'));
	rate_limit_read(&reply, &limit);
	rate_limit_advise(&limit, &err);
	fuzz_require(rate_limit_wait_ms(&limit, 1000) >= 1000);
	http_header_all(&reply, "WWW-Authenticate", all, sizeof(all));
	while (challenge_next(&list, &challenge))
		fuzz_require(challenge.scheme != CHALLENGE_BEARER || *challenge.realm);
	http_reply_free(&reply);
	return 0;
}
