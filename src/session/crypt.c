/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/crypt.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

void crypt_set(struct crypt *c, const uint8_t key[CRYPT_KEY_SIZE])
{
	memcpy(c->decrypt, key, sizeof(c->decrypt));
	memcpy(c->encrypt, key + sizeof(c->decrypt), sizeof(c->encrypt));
}

void crypt_clear(struct crypt *c)
{
	explicit_bzero(c, sizeof(*c));
}

static void crypt_context_cleanup(EVP_CIPHER_CTX **x)
{
	EVP_CIPHER_CTX_free(*x);
}

int crypt_seal(const struct crypt *c, const uint8_t nonce[CRYPT_NONCE_SIZE], const void *data, size_t len,
	       struct buf *out)
{
	_cleanup_(crypt_context_cleanup) EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	size_t total = CRYPT_NONCE_SIZE + len + CRYPT_TAG_SIZE;
	_free_ uint8_t *sealed = malloc(total);
	int n;

	if (!x || !sealed || !EVP_EncryptInit_ex(x, EVP_aes_256_gcm(), NULL, c->encrypt, nonce))
		return -ENOMEM;
	memcpy(sealed, nonce, CRYPT_NONCE_SIZE);
	if (!EVP_EncryptUpdate(x, sealed + CRYPT_NONCE_SIZE, &n, data, (int)len) ||
	    !EVP_EncryptFinal_ex(x, sealed + CRYPT_NONCE_SIZE + len, &n) ||
	    !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, CRYPT_TAG_SIZE, sealed + CRYPT_NONCE_SIZE + len))
		return -ENOMEM;
	return buf_append(out, sealed, total);
}

int crypt_open(const struct crypt *c, const void *data, size_t len, struct buf *out)
{
	_cleanup_(crypt_context_cleanup) EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	const uint8_t *nonce = data, *sealed = nonce + CRYPT_NONCE_SIZE;
	_free_ uint8_t *plain = NULL;
	size_t plain_len;
	int n;

	if (len < CRYPT_NONCE_SIZE + CRYPT_TAG_SIZE)
		return -EBADMSG;
	plain_len = len - CRYPT_NONCE_SIZE - CRYPT_TAG_SIZE;
	plain = malloc(plain_len + 1);
	if (!x || !plain || !EVP_DecryptInit_ex(x, EVP_aes_256_gcm(), NULL, c->decrypt, nonce))
		return -ENOMEM;
	if (!EVP_DecryptUpdate(x, plain, &n, sealed, (int)plain_len) ||
	    !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, CRYPT_TAG_SIZE, (void *)(sealed + plain_len)) ||
	    EVP_DecryptFinal_ex(x, plain + plain_len, &n) <= 0)
		return -EBADMSG;
	return buf_append(out, plain, plain_len);
}
