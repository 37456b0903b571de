/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crypt.h - encrypts and decrypts the data of a session with a data key of KMS. Pure.
 *
 * Source: aws/session-manager-plugin, src/encryption/encrypter.go: the agent encrypts with the first half of the
 * 64-byte key, the client with the second; AES-256-GCM; a nonce of 12 bytes precedes the ciphertext, a tag of 16
 * follows it.
 */
#ifndef VASTFS_SESSION_CRYPT_H
#define VASTFS_SESSION_CRYPT_H

#include "base/buf.h"

#include <stdint.h>

#define CRYPT_KEY_SIZE	 64
#define CRYPT_NONCE_SIZE 12
#define CRYPT_TAG_SIZE	 16

struct crypt {
	uint8_t decrypt[32], encrypt[32]; /* secret: crypt_clear() */
};

void crypt_set(struct crypt *c, const uint8_t key[CRYPT_KEY_SIZE]);
void crypt_clear(struct crypt *c);

/* Appends nonce, ciphertext and tag. -ENOMEM. */
int crypt_seal(const struct crypt *c, const uint8_t nonce[CRYPT_NONCE_SIZE], const void *data, size_t len,
	       struct buf *out);

/* Appends the plaintext. -EBADMSG if it was not sealed with this key, -ENOMEM. */
int crypt_open(const struct crypt *c, const void *data, size_t len, struct buf *out);

#endif
