/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - the stream format of a command's output, which vast-lambda-runtime writes and vastfs reads.
 *
 * A stream consists of the preamble, any number of output frames, and one end frame, which is the last. A frame is one
 * byte of type, four bytes with the length of the payload, big-endian, and the payload of at most FRAME_PAYLOAD_MAX
 * bytes:
 *
 *	'o'	bytes that the command printed to stdout
 *	'z'	compressed stdout: the concatenated payloads of these frames are one raw deflate stream (RFC 1951)
 *	'e'	bytes that the command printed to stderr; an empty one is a keep-alive, sent when nothing was printed
 *		for FRAME_LIFE_SIGN_MS
 *	'x'	the end, a JSON object:
 *		{"exit_code":N, "signal":N, "timed_out":true, "stdin_bytes":N, "stdout_length":N, "stdout_crc32":N,
 *		 "length":N, "crc32":N}
 *
 * The runtime sends 'z' frames in place of 'o' frames, and only if the event allows it ("deflate":true in event.h); a
 * stream never has both. It flushes the deflate stream at most FRAME_FLUSH_MS after a byte was printed, or later if the
 * network accepts no more data, and before each stderr frame. The deflate stream ends before the end frame.
 * `stdout_length` and `stdout_crc32` describe the uncompressed bytes; they are present if there were 'z' frames.
 *
 * `exit_code` is 128 + signal if a signal killed the command, and 124 if the function's time was over. `signal` and
 * `timed_out` are present only where they apply. `stdin_bytes` is present if the event had data for stdin: it is the
 * number of inflated bytes that were written into the command's stdin. `length` counts all bytes of the stream before
 * the end frame, including the preamble and the frame headers; `crc32` is zlib's CRC-32 of the same bytes. Readers
 * ignore unknown keys, so that later versions can add some.
 *
 * The frames of stdout and the frames of stderr are each in the order of printing; between the two, they are in the
 * order in which the runtime read them. stdout is never truncated. The first FRAMES_STDERR_MAX bytes of stderr are
 * sent, followed by a line that reports the truncation. The runtime's own messages are always sent after that.
 *
 * A stream without an end frame, or with an end frame that does not match, was truncated. It is an error, never a short
 * result.
 *
 * This header has constants only; any thread may use them.
 */
#ifndef VAST_RUNTIME_FRAMES_H
#define VAST_RUNTIME_FRAMES_H

#define FRAMES_PREAMBLE	    "vastfs2\n"
#define FRAMES_PREAMBLE_LEN 8

#define FRAME_STDOUT   'o'
#define FRAME_DEFLATED 'z'
#define FRAME_STDERR   'e'
#define FRAME_END      'x'

#define FRAME_HEAD_LEN	   5 /* type and length */
#define FRAME_PAYLOAD_MAX  65536
#define FRAME_LIFE_SIGN_MS 20000
#define FRAME_FLUSH_MS	   50

#define FRAMES_STDERR_MAX (16 * 1024 * 1024)

#endif
