/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fetch.h - gets credentials from a source: through the AWS API, over HTTP, or from a program.
 *
 * All functions run on the engine thread and never block it. Every fetch that was started ends exactly once, with
 * credentials or with a message that names the source and has a remedy, unless it is cancelled. The fetch frees itself
 * when it ends.
 */
#ifndef VASTFS_AWS_CREDENTIALS_FETCH_H
#define VASTFS_AWS_CREDENTIALS_FETCH_H

#include "aws/aws.h"
#include "aws/credentials/keys.h"
#include "aws/credentials/source.h"

struct credential_fetch;

/*
 * Called once, after credential_fetch_start has returned. keys is NULL after a failure. The callback may move members
 * out of *keys; the fetch frees the members that remain.
 */
typedef void credential_fetched(struct aws_credentials *keys, const struct error *err, void *arg);

/* a and s must outlive the fetch. Returns NULL without memory; done is then not called. */
struct credential_fetch *credential_fetch_start(struct aws *a, const struct credential_source *s,
						credential_fetched *done, void *arg);

/* Cancels and frees the fetch without calling done. f may be NULL. */
void credential_fetch_cancel(struct credential_fetch *f);

#endif
