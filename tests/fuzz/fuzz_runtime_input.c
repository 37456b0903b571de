/* SPDX-License-Identifier: BSD-3-Clause */
/* Inflates the standard input of a command. Checks that input_write() and the check of the rest agree on whether it is
 * damaged. */
#include "input.h"

#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

static struct input input;

static int input_write_all(const uint8_t *data, size_t len, int64_t *ret_written)
{
	static int nowhere = -1;
	int r;

	if (nowhere < 0)
		nowhere = open("/dev/null", O_WRONLY);
	fuzz_require(input_init(&input, data, len) == 0);
	do
		r = input_write(&input, nowhere);
	while (r == 0);
	fuzz_require(r == 1 || input.damage);
	*ret_written = input.written;
	input_free(&input);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int64_t written;
	int r = input_write_all(data, len, &written);

	fuzz_require(input_init(&input, data, len) == 0);
	fuzz_require((input_check_rest(&input) == 0) == (r == 1));
	input_free(&input);
	return 0;
}
