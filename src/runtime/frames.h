/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The form in which a command's output is streamed: what vast-lambda-runtime sends and vastfs reads.
 *
 * A stream is the preamble, any number of output frames and one end frame, after which nothing follows. A frame is one
 * byte of type, the length of its payload in four bytes, big-endian, and the payload, at most FRAME_PAYLOAD_MAX bytes:
 *
 *	'o'	bytes that the command printed to stdout
 *	'z'	the same, compressed: the payloads of these frames in a row are one raw deflate stream (RFC 1951)
 *	'e'	bytes that it printed to stderr; without any it is a sign of life, sent when nothing was printed for
 *		FRAME_LIFE_SIGN_MS
 *	'x'	the end, a JSON object:
 *		{"exit_code":N, "signal":N, "timed_out":true, "stdin_bytes":N, "stdout_length":N, "stdout_crc32":N,
 *		 "length":N, "crc32":N}
 *
 * 'z' is only sent if the event allowed it ("deflate":true in event.h), and then in place of 'o': a stream never has
 * both. The deflate stream is flushed at most FRAME_FLUSH_MS after a byte was printed, later only while the network
 * takes no more, and before each frame of stderr. It is at its end before the end frame. `stdout_length` and
 * `stdout_crc32` are of the plain bytes; they are there if there were 'z' frames.
 *
 * `exit_code` is 128 + signal if the command was killed by one and 124 if the function's time was over. `signal` and
 * `timed_out` are there only where they apply. So is `stdin_bytes`, the number of inflated bytes that were written into
 * the command's stdin, if the event had data for it. `length` counts all bytes of the stream before the end frame's
 * first one, the preamble and the frames' heads included; `crc32` is zlib's CRC-32 of the same bytes. Keys that are not
 * known are for later.
 *
 * The frames of each of the two are in the order of their printing; between the two it is the order of reading. stdout
 * is never cut. Of stderr the first FRAMES_STDERR_MAX bytes are sent, then a line that says so; what the runtime itself
 * has to say comes after that in any case.
 *
 * A stream without an end frame, or with one that does not match, was cut short: it is an error, never a short result.
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
