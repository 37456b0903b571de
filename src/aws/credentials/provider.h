/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * provider.h - the credentials of one client: found, fetched ahead of their expiry, found again when files change.
 *
 * One fetch serves every call that waits. Keys that still hold are used while newer ones are on their way. All
 * functions run on the engine thread unless they say otherwise.
 */
#ifndef VASTFS_AWS_CREDENTIALS_PROVIDER_H
#define VASTFS_AWS_CREDENTIALS_PROVIDER_H

#include "aws/aws.h"
#include "aws/credentials/keys.h"
#include "aws/sign.h"

struct credential_provider;

/* Any thread. a must outlive it. profile: of the settings, NULL: none. Nothing is read or asked before the first need.
 */
int credential_provider_new(struct aws *a, const char *profile, struct credential_provider **ret);
/* NULL is fine. On the engine thread, or when the engine has ended. */
void credential_provider_free(struct credential_provider *p);

/*
 * The keys to sign with; they belong to the provider and hold until control returns to the engine. 0; -EAGAIN: they are
 * being fetched (credential_provider_wait); -ENOKEY with a message.
 */
int credential_provider_get(struct credential_provider *p, struct aws_identity *ret, struct error *err);

/* Embedded in who waits; zeroes are an idle one. */
struct credential_waiter {
	struct list link;
	void (*ready)(void *arg);
	void *arg;
};

/* ready is called once, when the fetch has ended, whatever came of it: ask credential_provider_get again. */
void credential_provider_wait(struct credential_provider *p, struct credential_waiter *w, void (*ready)(void *arg),
			      void *arg);
void credential_waiter_cancel(struct credential_waiter *w); /* an idle one is fine */

/* Any thread; see aws_check_credentials, aws_renew_credentials and aws_credentials_facts. */
int credential_provider_check(struct credential_provider *p, struct error *err);
/* Any thread, see aws_check_login. False: whence gets where the credentials come from, or why there are none. */
bool credential_provider_signs_in(struct credential_provider *p, char *whence, size_t size);
void credential_provider_renew(struct credential_provider *p);
bool credential_provider_facts(struct credential_provider *p, struct aws_credentials_facts *ret);
char *credential_provider_hash(struct credential_provider *p, char hex[static AWS_CREDENTIALS_HASH_SIZE]);

#endif
