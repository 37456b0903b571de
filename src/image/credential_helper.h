/*
 * credential_helper.h - asks a program docker-credential-<name> for a registry's credentials.
 */
#ifndef VASTFS_IMAGE_CREDENTIAL_HELPER_H
#define VASTFS_IMAGE_CREDENTIAL_HELPER_H

#include "base/buf.h"
#include "base/error.h"

/* "user:password" in base64, empty if the helper knows none. -EINVAL, -ETIMEDOUT, -EIO with words. */
int credential_helper_get(const char *helper, const char *server, struct buf *ret_basic, struct error *err);

/* Appends user:password in base64. */
int credentials_encode(const char *user, const char *password, struct buf *out);

#endif
