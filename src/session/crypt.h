/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crypt.h - what a session encrypts with a key of KMS. Pure.
 *
 * Source: aws/session-manager-plugin, src/encryption/encrypter.go: of 64 bytes of key the agent encrypts with the first
 * half and the client with the second; AES-256-GCM, 12 bytes of nonce before and 16 of tag behind.
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
