/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses credentials in the replies of the container endpoint and of IAM Identity Center, and their times. */
#include "aws/credentials/keys.h"
#include "base/clock.h"
#include "base/secret.h"

#include "fuzz.h"

static const struct aws_credentials_names names[] = {
	{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
	{"accessKeyId", "secretAccessKey", "sessionToken", "expiration"},
};

static void keys_take(const cJSON *answer, const struct aws_credentials_names *n)
{
	struct aws_credentials c;
	struct error err = {0};

	if (aws_credentials_take(answer, n, &c, &err) < 0) {
		fuzz_require(*err.message && !c.key_id && !c.secret);
		return;
	}
	fuzz_require(*c.key_id && *c.secret && c.token && c.expires_ms >= 0);
	fuzz_require(aws_credentials_renewal_ms(1700000000000, c.expires_ms) <= c.expires_ms ||
		     c.expires_ms < 1700000000000);
	aws_credentials_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	cJSON *answer;

	clock_parse(text);
	if (aws_credentials_parse(text, &answer) == 0)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			keys_take(answer, &names[i]);
	secret_free_json(answer);
	free(text);
	return 0;
}
