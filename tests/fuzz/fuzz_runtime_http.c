/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parses a reply of Lambda's Runtime API. Checks that a reply that arrives in pieces is the same as one that arrives as
 * a whole. Each packet of the socket is a piece.
 */
#include "http.h"

#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#define PIECES_MOST 8 /* a local socket queues few packets */

static int http_run(const uint8_t *data, size_t len, bool in_pieces, struct api_reply *reply)
{
	static struct http http;
	int ends[2];

	fuzz_require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	for (int i = 0; len && i < PIECES_MOST; i++) {
		size_t n = in_pieces && i < PIECES_MOST - 1 ? fuzz_piece(data, len) : len;

		fuzz_require(send(ends[1], data, n, 0) == (ssize_t)n);
		data += n;
		len -= n;
	}
	close(ends[1]);
	http = (struct http){.fd = ends[0]};
	return http_stream_abandon(&http, reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct api_reply whole, pieces;
	char value[64];
	int r;

	if (len > 16000)
		return 0; /* the packet would not fit into the buffer of the client */
	r = http_run(data, len, false, &whole);
	fuzz_require(http_run(data, len, true, &pieces) == r);
	if (r < 0)
		return 0;
	fuzz_require(whole.status == pieces.status && strcmp(whole.head, pieces.head) == 0);
	fuzz_require(whole.body.len == pieces.body.len);
	fuzz_require(!whole.body.len || memcmp(whole.body.data, pieces.body.data, whole.body.len) == 0);
	http_header(&whole, "Lambda-Runtime-Deadline-Ms", value, sizeof(value));
	buffer_free(&whole.body);
	buffer_free(&pieces.body);
	return 0;
}
