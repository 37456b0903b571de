/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/secret.h"

#include "base/log.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

/* The size of the secure heap: it is within the limit on locked memory of older systems, and has room for ten keys with
 * tokens. */
#define HEAP_SIZE     ((size_t)64 << 10)
#define GROWTH	      ((size_t)256) /* step by which the memory for a file grows while it is read */
#define HEAP_SMALLEST ((size_t)32)

static int status_without_memory;

static void secret_lack_memory(int signal _unused_)
{
	log_error("out of memory: cannot create the heap for keys and tokens");
	_exit(status_without_memory);
}

/* OpenSSL calls abort() if it has no memory for the tables of its heap. */
void secret_start(int exit_status)
{
	struct sigaction explain = {.sa_handler = secret_lack_memory}, before;

	status_without_memory = exit_status;
	sigaction(SIGABRT, &explain, &before);
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_SMALLEST);
	sigaction(SIGABRT, &before, NULL);
}

void *secret_alloc(size_t size)
{
	void *p = CRYPTO_secure_malloc_initialized() ? OPENSSL_secure_zalloc(size) : NULL;

	return p ? p : OPENSSL_zalloc(size);
}

void secret_free(void *p, size_t size)
{
	if (p)
		OPENSSL_secure_clear_free(p, size);
}

/* All memory at once: growing would leave copies behind. */
int secret_read(int fd, size_t max, char **ret, size_t *ret_len, size_t *ret_size)
{
	struct stat st;
	size_t size, len = 0;
	char *data;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	size = (size_t)st.st_size + GROWTH;
	data = secret_alloc(size);
	while (data && n != 0 && len < size - 1) {
		n = read(fd, data + len, size - 1 - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (!data || n != 0) {
		int r = !data ? -ENOMEM : n < 0 ? -errno : -EFBIG;

		secret_free(data, size);
		return r;
	}
	*ret = data;
	*ret_len = len;
	*ret_size = size;
	return 0;
}

char *secret_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = secret_alloc(size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

char *secret_printf(const char *format, ...)
{
	va_list args, again;
	char *text = NULL;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n >= 0)
		text = secret_alloc((size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void secret_free_text(char *text)
{
	if (text)
		secret_free(text, strlen(text) + 1);
}

void secret_erasing_free(void *p)
{
	if (p)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

void *secret_erasing_realloc(void *p, size_t size)
{
	size_t before = p ? malloc_usable_size(p) : 0;
	void *moved;

	if (p && size && size <= before && before - size < before / 2)
		return p;
	moved = malloc(size ? size : 1);
	if (moved && p) {
		memcpy(moved, p, before < size ? before : size);
		secret_erasing_free(p);
	}
	return moved;
}

void secret_free_buf(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_free(b);
}

static void secret_clear_strings(cJSON *json)
{
	for (; json; json = json->next) {
		if (json->valuestring)
			OPENSSL_cleanse(json->valuestring, strlen(json->valuestring));
		secret_clear_strings(json->child);
	}
}

void secret_free_json(cJSON *json)
{
	secret_clear_strings(json);
	cJSON_Delete(json);
}
