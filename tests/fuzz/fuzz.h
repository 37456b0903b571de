/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz.h - the functions that the fuzzing targets share. Each target is a program with one LLVMFuzzerTestOneInput
 * (libFuzzer's interface), which gives the input to a parser and checks conditions that must hold for every input.
 *
 * A parser of a stream gets the input twice: as a whole, and in pieces whose sizes the input determines. Both must have
 * the same result.
 */
#ifndef VASTFS_TESTS_FUZZ_H
#define VASTFS_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the program, so that libFuzzer keeps the input. Unlike assert(), it is active in every kind of build. */
#define fuzz_require(condition)                                                                   \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/* The size of the next piece; small sizes are frequent. */
static inline size_t fuzz_piece(const uint8_t *data, size_t left)
{
	size_t n = data[0] < 128 ? 1 + data[0] % 8 : data[0];

	return n < left ? n : left;
}

/* The input as a string in memory of exactly its size, which the caller frees; it ends at a NUL of the input. */
static inline char *fuzz_text(const uint8_t *data, size_t len)
{
	char *text = strndup((const char *)data, len);

	fuzz_require(text);
	return text;
}

#endif
