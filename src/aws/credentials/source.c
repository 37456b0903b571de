/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/source.h"

#include "aws/credentials/words.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void credential_source_free(struct credential_source *s)
{
	if (!s)
		return;
	secret_free_text(s->key_id);
	secret_free_text(s->secret);
	secret_free_text(s->token);
	free(s->label);
	free(s->role_arn);
	free(s->session_name);
	free(s->external_id);
	free(s->token_file);
	free(s->sso_session);
	free(s->start_url);
	free(s->sso_region);
	free(s->account_id);
	free(s->role_name);
	free(s->url);
	words_free(s->process);
	credential_source_free(s->source);
	free(s);
}
