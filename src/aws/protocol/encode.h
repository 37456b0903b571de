/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * encode.h - percent-encoding (RFC 3986 section 2: all but the unreserved characters; a blank is %20).
 */
#ifndef VASTFS_AWS_ENCODE_H
#define VASTFS_AWS_ENCODE_H

#include "base/buf.h"

/* Appends text; encodes all bytes except unreserved characters and those in also_kept. Failures are stored in out. */
void aws_encode(struct buf *out, const char *text, size_t len, const char *also_kept);

/* Appends a whole string for a path segment or a query value. */
void aws_encode_text(struct buf *out, const char *text);

#endif
