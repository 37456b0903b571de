/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/manifest.h"
#include "image/reference.h"

#include <openssl/evp.h>
#include <string.h>

#define FORMAT_VERSION "1" /* of image_assemble()'s output; increase it when the same input makes other bytes */

bool image_digest_is_valid(const char *digest)
{
	return strncmp(digest, "sha256:", 7) == 0 && strlen(digest) == 7 + 64 &&
	       strspn(digest + 7, "0123456789abcdef") == 64;
}

int image_digest(const void *data, size_t len, char ret[IMAGE_DIGEST_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (EVP_Digest(data, len, hash, &n, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	memcpy(ret, "sha256:", 7);
	for (unsigned int i = 0; i < n; i++)
		snprintf(ret + 7 + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

int image_tag(const char *base_digest, const char *architecture, const char *layer_digest, char ret[IMAGE_TAG_SIZE])
{
	_free_ char *text = NULL;
	char digest[IMAGE_DIGEST_SIZE];
	int n, r;

	n = asprintf(&text, "%s\n%s\n%s\n%s", base_digest, architecture, layer_digest, FORMAT_VERSION);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	r = image_digest(text, (size_t)n, digest);
	if (r < 0)
		return r;
	snprintf(ret, IMAGE_TAG_SIZE, "vastfs-%.20s", digest + strlen("sha256:"));
	return 0;
}
