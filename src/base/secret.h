/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.h - memory for keys, tokens and passwords.
 *
 * Taken from OpenSSL's secure heap: locked into memory where the limit on locked memory allows it, left out of core
 * files, between guard pages, and overwritten when it is freed. What does not fit there is ordinary memory that is
 * overwritten as well. Any thread.
 */
#ifndef VASTFS_BASE_SECRET_H
#define VASTFS_BASE_SECRET_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/* Makes the secure heap, in the process that uses it: a fork does not inherit locks. Without it, ordinary memory. */
void secret_start(void);

/* size bytes, zeroed; NULL without memory. The size is needed again to overwrite memory that is not of the heap. */
void *secret_alloc(size_t size);
void secret_free(void *p, size_t size);

/*
 * A file as text with a NUL behind it, *ret_len bytes without that; to be freed by secret_free(*ret, *ret_size).
 * Negative errno of read, -EFBIG over max bytes.
 */
int secret_read(int fd, size_t max, char **ret, size_t *ret_len, size_t *ret_size);

/* Text is as long as its NUL says. NULL is fine to free. */
char *secret_strdup(const char *text);
char *secret_printf(const char *format, ...) _printf_(1, 2);
void secret_free_text(char *text);

/* For libraries that take an allocator: memory that is overwritten before it is freed. */
void secret_erasing_free(void *p);
void *secret_erasing_realloc(void *p, size_t size);

/* Overwrites what is there before it is freed. */
void secret_free_buf(struct buf *b);
void secret_free_json(cJSON *json);

static inline void secret_text_cleanup(char **text)
{
	secret_free_text(*text);
}

static inline void secret_json_cleanup(cJSON **json)
{
	secret_free_json(*json);
}

#define _secret_text_ _cleanup_(secret_text_cleanup)
#define _secret_json_ _cleanup_(secret_json_cleanup)
#define _secret_buf_  _cleanup_(secret_free_buf)

#endif
