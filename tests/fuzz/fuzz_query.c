/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the replies of the function: a reply in one piece, the end of a stream, and the log. */
#include "stack/query.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct aws_reply reply = {.status = 200, .payload = BUF_INIT(len + 1)};
	struct query_reply result = {0};
	struct error err = {0};
	char *text = fuzz_text(data, len), *log = NULL;
	struct blob *tail = query_log_tail(text), *of_lambda = tail ? query_log_of_lambda(tail) : NULL;

	buf_append(&reply.payload, data, len);
	reply.body = cJSON_ParseWithLength((const char *)data, len);
	if (query_parse_reply(&reply, &result, &err) == 0) {
		fuzz_require(result.result && result.errors && result.stdin_bytes >= -1);
		query_reply_release(&result);
	} else {
		fuzz_require(*err.message);
	}
	query_not_started(&reply);
	query_parse_complete((const char *)data, len, &log, &err);
	blob_unref(tail);
	blob_unref(of_lambda);
	free(log);
	free(text);
	aws_reply_free(&reply);
	return 0;
}
