/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * provider.h - provides the credentials of one client. It finds their source, renews them before they expire, and
 * searches again when the files of the AWS CLI change.
 *
 * One fetch serves all calls that wait for credentials. Valid credentials stay in use while newer ones are fetched. All
 * functions run on the engine thread unless their comments name other threads. The client owns its provider.
 */
#ifndef VASTFS_AWS_CREDENTIALS_PROVIDER_H
#define VASTFS_AWS_CREDENTIALS_PROVIDER_H

#include "aws/aws.h"
#include "aws/credentials/keys.h"
#include "aws/sign.h"

struct credential_provider;

/*
 * Any thread. a must outlive the provider. profile is the profile that the settings name, or NULL. Reads the
 * configuration files and contacts no service. Returns -ENOMEM without memory.
 */
int credential_provider_new(struct aws *a, const char *profile, struct credential_provider **ret);
/* p may be NULL. Called on the engine thread, or after the engine has ended. */
void credential_provider_free(struct credential_provider *p);

/*
 * Gets the credentials for a signature. They belong to the provider and are valid until control returns to the engine.
 * Returns 0; -EAGAIN while they are being fetched (see credential_provider_wait); or -ENOKEY with a message.
 */
int credential_provider_get(struct credential_provider *p, struct aws_identity *ret, struct error *err);

/* Embedded in the struct of the caller that waits. An all-zero waiter is idle. */
struct credential_waiter {
	struct list link;
	void (*ready)(void *arg);
	void *arg;
};

/*
 * Calls ready once, when the fetch has ended with or without credentials. ready then calls credential_provider_get
 * again.
 */
void credential_provider_wait(struct credential_provider *p, struct credential_waiter *w, void (*ready)(void *arg),
			      void *arg);
void credential_waiter_cancel(struct credential_waiter *w); /* an idle waiter is valid */

/* Any thread. See aws_check_credentials, aws_renew_credentials and aws_credentials_facts. */
int credential_provider_check(struct credential_provider *p, struct error *err);
/*
 * Any thread. See aws_check_login. If it returns false, whence receives the source of the credentials, or the reason
 * why there is none.
 */
bool credential_provider_signs_in(struct credential_provider *p, char *whence, size_t size);
void credential_provider_renew(struct credential_provider *p);
bool credential_provider_facts(struct credential_provider *p, struct aws_credentials_facts *ret);
char *credential_provider_hash(struct credential_provider *p, char hex[static AWS_CREDENTIALS_HASH_SIZE]);

#endif
