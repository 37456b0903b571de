/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failure.h - turns a failure of libcurl into an error with message and remedy. Engine thread.
 */
#ifndef VASTFS_AWS_FAILURE_H
#define VASTFS_AWS_FAILURE_H

#include "aws/transfer.h"
#include "base/error.h"

/* curl_says: the content of the transfer's CURLOPT_ERRORBUFFER. */
void failure_explain(const struct transfer *t, CURLcode code, const char *curl_says, struct error *err);

/* Sets the error for a proxy's own reply, which arrived in place of the server's: the status of CONNECT, or 407. */
void failure_explain_proxy(const char *url, long status, struct error *err);

#endif
