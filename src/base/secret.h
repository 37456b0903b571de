/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * secret.h - memory for keys, tokens and passwords.
 *
 * The memory is allocated from OpenSSL's secure heap: it is locked into RAM if the limit on locked memory permits,
 * excluded from core files, placed between guard pages, and overwritten when it is freed. When the heap is full,
 * ordinary memory is used, which is overwritten as well. Any thread.
 */
#ifndef VASTFS_BASE_SECRET_H
#define VASTFS_BASE_SECRET_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/*
 * Creates the secure heap. Call after fork(), which does not inherit memory locks, and before other threads are
 * started. If memory cannot be locked, ordinary memory is used. Without memory the process ends with a message and
 * exit_status.
 */
void secret_start(int exit_status);

/* size bytes, zeroed; NULL without memory. secret_free() needs the size to overwrite memory outside of the heap. */
void *secret_alloc(size_t size);
void secret_free(void *p, size_t size);

/*
 * Reads a file as text and appends a NUL; *ret_len does not count the NUL. The caller frees it: secret_free(*ret,
 * *ret_size). Negative errno of read, -EFBIG over max bytes.
 */
int secret_read(int fd, size_t max, char **ret, size_t *ret_len, size_t *ret_size);

/* Strings. secret_free_text() accepts NULL. */
char *secret_strdup(const char *text);
char *secret_printf(const char *format, ...) _printf_(1, 2);
void secret_free_text(char *text);

/* For libraries that take an allocator: memory that is overwritten before it is freed. */
void secret_erasing_free(void *p);
void *secret_erasing_realloc(void *p, size_t size);

/* Overwrites the content before it is freed. */
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
