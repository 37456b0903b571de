/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NEVER 0

static unsigned made, fails = NEVER; /* allocations of this call; the number of the one that fails */
static bool happened, paused;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
int __real_vasprintf(char **ret, const char *format, va_list args);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);
int __wrap_vasprintf(char **ret, const char *format, va_list args);
int __wrap_asprintf(char **ret, const char *format, ...);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args);
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...);

static bool failing_now(void)
{
	if (fails == NEVER || paused || ++made != fails)
		return false;
	happened = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return failing_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return failing_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return failing_now() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return failing_now() ? NULL : __real_realloc(old, n * size);
}

char *__wrap_strdup(const char *text)
{
	return failing_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return failing_now() ? NULL : __real_strndup(text, n);
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	return failing_now() ? -1 : __real_vasprintf(ret, format, args);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = __wrap_vasprintf(ret, format, args);
	va_end(args);
	return n;
}

/* The names of the two functions with _FORTIFY_SOURCE. */
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
	(void)flag;
	return __wrap_vasprintf(ret, format, args);
}

int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	va_start(args, format);
	n = __wrap_vasprintf(ret, format, args);
	va_end(args);
	return n;
}

static void *failing_crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void *failing_crypto_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(old, size);
}

static void failing_crypto_free(void *block, const char *file, int line)
{
	(void)file;
	(void)line;
	free(block);
}

/* libcrypto accepts other functions only before its first allocation. */
__attribute__((constructor)) static void failing_replace_allocators(void)
{
	CRYPTO_set_mem_functions(failing_crypto_malloc, failing_crypto_realloc, failing_crypto_free);
	cJSON_InitHooks(&(cJSON_Hooks){malloc, free});
}

/* Returns the number of allocations that the call without failures has made. */
static unsigned failing_count(void (*run)(const void *arg), const void *arg)
{
	made = 0;
	happened = paused = false;
	fails = UINT_MAX;
	run(arg);
	fails = NEVER;
	return made;
}

unsigned failing_sample(void (*run)(const void *arg), const void *arg, unsigned most)
{
	unsigned count = failing_count(run, arg), step = count > most ? (count + most - 1) / most : 1, calls = 0;

	for (unsigned n = 1;; n += step, calls++) {
		made = 0;
		happened = paused = false;
		fails = n;
		run(arg);
		fails = NEVER;
		if (!happened)
			return calls;
	}
}

unsigned failing_each(void (*run)(const void *arg), const void *arg)
{
	return failing_sample(run, arg, UINT_MAX);
}

bool failing_happened(void)
{
	return happened;
}

void failing_pause(bool now_paused)
{
	paused = now_paused;
}
