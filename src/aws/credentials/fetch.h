/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fetch.h - asking a source for its keys: by AWS's API, by HTTP, or by a program.
 *
 * Everything here runs on the engine thread and nothing blocks it. A fetch that has been started ends once, with keys
 * or with a message that names the source; what would help is its remedy.
 */
#ifndef VASTFS_AWS_CREDENTIALS_FETCH_H
#define VASTFS_AWS_CREDENTIALS_FETCH_H

#include "aws/aws.h"
#include "aws/credentials/keys.h"
#include "aws/credentials/source.h"

struct credential_fetch;

/* Called once, later. keys is NULL after a failure; its content may be taken, the rest is freed behind it. */
typedef void credential_fetched(struct aws_credentials *keys, const struct error *err, void *arg);

/* a and s must outlive it. NULL without memory: done is not called. */
struct credential_fetch *credential_fetch_start(struct aws *a, const struct credential_source *s,
						credential_fetched *done, void *arg);

/* Abandons it: done is not called. NULL is fine. */
void credential_fetch_cancel(struct credential_fetch *f);

#endif
