/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/credentials/provider.h"

#include "aws/client.h"
#include "aws/credentials/chain.h"
#include "aws/credentials/fetch.h"
#include "aws/credentials/sso_cache.h"
#include "base/clock.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_AGAIN_MS	 1000 /* interval between two comparisons of the files */
#define FETCH_AGAIN_MS	 1000 /* wait after a failure before credentials are fetched again */
#define EXPIRY_LEEWAY_MS 5000 /* the time that a request may need to reach AWS */

struct credential_provider {
	struct aws *aws;
	char *profile; /* the profile that the settings name; NULL: none */

	/* The following members belong to the engine thread. */
	struct credential_source *source; /* NULL: not found, or not searched for yet */
	struct aws_credentials keys;
	int64_t renewal_ms; /* when expiring credentials are renewed, by AWS's wall clock */
	struct credential_fetch *fetch;
	struct list waiting;
	int64_t looked_ms, failed_ms; /* monotonic; 0: never */

	pthread_mutex_t lock; /* guards the following members */
	bool known, failed, renew, signs_in;
	char whence[256]; /* the source's label, or the reason why there is no source */
	struct error failure;
	uint64_t files;	      /* fingerprint of the files from which the source was found */
	uint64_t source_hash; /* 0: there is no source */
	char *extra;	      /* path of a token file that is compared as well; NULL: none */
	struct aws_credentials_facts facts;
};

/* -- the files ------------------------------------------------------------------------------------------------- */

static uint64_t provider_file(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return 1;
	return ((uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_sec) * 1000003 + (uint64_t)st.st_mtim.tv_nsec +
	       (uint64_t)st.st_size;
}

/* The caller holds the lock. */
static uint64_t provider_files(const struct credential_provider *p)
{
	_free_ char *config = NULL, *shared = NULL;

	(void)aws_profiles_paths(&config,
				 &shared); /* without memory the fingerprint differs, so the files are read again */
	return (provider_file(config) * 31 + provider_file(shared)) * 31 + provider_file(p->extra);
}

/* -- state for other threads ----------------------------------------------------------------------------------- */

static void provider_note_failure(struct credential_provider *p, const struct error *err)
{
	pthread_mutex_lock(&p->lock);
	p->failed = true;
	p->failure = *err;
	pthread_mutex_unlock(&p->lock);
}

static void provider_note_keys(struct credential_provider *p, int64_t expires_ms)
{
	pthread_mutex_lock(&p->lock);
	p->known = true;
	p->failed = false;
	snprintf(p->facts.source, sizeof(p->facts.source), "%s", p->source->label);
	p->facts.expires_ms = expires_ms;
	p->facts.version++;
	pthread_mutex_unlock(&p->lock);
}

int credential_provider_check(struct credential_provider *p, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->failed && !p->renew && provider_files(p) != p->files)
		p->renew = true;
	if (p->failed && !p->renew) {
		r = p->failure.errnum;
		if (err)
			*err = p->failure;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

bool credential_provider_signs_in(struct credential_provider *p, char *whence, size_t size)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = p->signs_in || p->renew || provider_files(p) != p->files;
	snprintf(whence, size, "%s", p->whence);
	pthread_mutex_unlock(&p->lock);
	return yes;
}

void credential_provider_renew(struct credential_provider *p)
{
	pthread_mutex_lock(&p->lock);
	p->renew = true;
	pthread_mutex_unlock(&p->lock);
}

bool credential_provider_facts(struct credential_provider *p, struct aws_credentials_facts *ret)
{
	bool known;

	pthread_mutex_lock(&p->lock);
	known = p->known;
	*ret = p->facts;
	pthread_mutex_unlock(&p->lock);
	return known;
}

char *credential_provider_hash(struct credential_provider *p, char hex[static AWS_CREDENTIALS_HASH_SIZE])
{
	uint64_t hash;

	pthread_mutex_lock(&p->lock);
	hash = p->source_hash;
	pthread_mutex_unlock(&p->lock);
	*hex = '\0';
	if (hash)
		snprintf(hex, AWS_CREDENTIALS_HASH_SIZE, "%016llx", (unsigned long long)hash);
	return hex;
}

/* -- finding the source ---------------------------------------------------------------------------------------- */

static bool provider_signs_in(const struct credential_source *s)
{
	while (s && s->kind == CREDENTIAL_ROLE)
		s = s->source;
	return s && s->kind == CREDENTIAL_SSO;
}

/* The token file whose change leads to new credentials, besides ~/.aws/config and ~/.aws/credentials. */
static char *provider_extra_file(const struct credential_source *s)
{
	while (s && s->kind == CREDENTIAL_ROLE)
		s = s->source;
	if (s && s->kind == CREDENTIAL_SSO)
		return sso_cache_path(s);
	return s && s->kind == CREDENTIAL_WEB_IDENTITY ? strdup(s->token_file) : NULL;
}

static uint64_t provider_hash_text(uint64_t hash, const char *text)
{
	for (; text && *text; text++) /* FNV-1a is sufficient because an access key ID is not a secret */
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t provider_hash(const struct credential_source *s)
{
	uint64_t hash = s ? UINT64_C(0xcbf29ce484222325) : 0;

	for (; s; s = s->source)
		hash = provider_hash_text(provider_hash_text(hash, s->label), s->key_id);
	return hash;
}

static void provider_forget(struct credential_provider *p)
{
	credential_fetch_cancel(move_ptr(p->fetch));
	credential_source_free(move_ptr(p->source));
	aws_credentials_free(&p->keys);
	p->failed_ms = 0;
}

/*
 * The fingerprint is taken before the files are read. A change during the read is therefore detected at the next
 * comparison.
 */
static int provider_find(struct credential_provider *p, struct error *err)
{
	struct aws_profiles profiles;
	uint64_t files;
	int r;

	pthread_mutex_lock(&p->lock);
	p->renew = false;
	free(move_ptr(p->extra));
	files = provider_files(p);
	pthread_mutex_unlock(&p->lock);
	r = aws_profiles_load(&profiles, err);
	if (r == 0)
		r = credential_chain_find(&profiles, p->profile, &p->source, err);
	aws_profiles_free(&profiles);
	pthread_mutex_lock(&p->lock);
	p->extra = provider_extra_file(p->source);
	p->files = p->extra ? provider_files(p) : files;
	p->source_hash = provider_hash(p->source);
	p->signs_in = provider_signs_in(p->source);
	if (r == 0)
		p->failed = false; /* failures of an earlier source or token do not apply to this source */
	snprintf(p->whence, sizeof(p->whence), "%s", p->source ? p->source->label : err->message);
	pthread_mutex_unlock(&p->lock);
	p->looked_ms = clock_monotonic_ms();
	if (r == 0)
		return 0;
	if (r != -ENOMEM && err->errnum)
		err->errnum = r = -ENOKEY;
	provider_note_failure(p, err);
	return r;
}

static bool provider_must_look(struct credential_provider *p)
{
	int64_t now = clock_monotonic_ms();
	bool changed;

	pthread_mutex_lock(&p->lock);
	changed = p->renew;
	if (!changed && now - p->looked_ms >= LOOK_AGAIN_MS) {
		changed = provider_files(p) != p->files;
		p->looked_ms = now;
	}
	pthread_mutex_unlock(&p->lock);
	return changed || !p->source;
}

/* -- fetching -------------------------------------------------------------------------------------------------- */

static void provider_wake(struct credential_provider *p)
{
	struct list ready;

	list_init(&ready);
	list_splice(&ready, &p->waiting);
	while (!list_empty(&ready)) {
		struct credential_waiter *w = container_of(ready.next, struct credential_waiter, link);

		list_remove(&w->link);
		w->ready(w->arg);
	}
}

static void provider_fetched(struct aws_credentials *keys, const struct error *err, void *arg)
{
	struct credential_provider *p = arg;
	struct aws *a = p->aws;

	p->fetch = NULL;
	if (keys) {
		aws_credentials_free(&p->keys);
		p->keys = *keys;
		*keys = (struct aws_credentials){0};
		p->renewal_ms = aws_credentials_renewal_ms(aws_now_ms(a), p->keys.expires_ms);
		p->failed_ms = 0;
		provider_note_keys(p, p->keys.expires_ms);
	} else {
		p->failed_ms = clock_monotonic_ms();
		provider_note_failure(p, err);
	}
	if (!p->failed_ms && a->keys_changed)
		a->keys_changed(a->keys_changed_arg);
	provider_wake(p);
	aws_unref(a);
}

/* The reference keeps the client alive until the fetch has ended. */
static int provider_start_fetch(struct credential_provider *p, struct error *err)
{
	p->fetch = credential_fetch_start(p->aws, p->source, provider_fetched, p);
	if (!p->fetch)
		return error_set(err, -ENOMEM, "out of memory");
	aws_ref(p->aws);
	return 0;
}

static bool provider_has_failed_just_now(const struct credential_provider *p)
{
	return p->failed_ms && clock_monotonic_ms() - p->failed_ms < FETCH_AGAIN_MS;
}

static int64_t provider_left_ms(const struct credential_provider *p)
{
	if (!p->keys.key_id)
		return 0;
	return p->keys.expires_ms ? p->keys.expires_ms - aws_now_ms(p->aws) : INT64_MAX;
}

static bool provider_must_fetch(const struct credential_provider *p)
{
	if (p->fetch || provider_has_failed_just_now(p))
		return false;
	return !p->keys.key_id || (p->keys.expires_ms && aws_now_ms(p->aws) >= p->renewal_ms);
}

static int provider_last_failure(struct credential_provider *p, struct error *err)
{
	pthread_mutex_lock(&p->lock);
	*err = p->failure;
	pthread_mutex_unlock(&p->lock);
	return err->errnum;
}

int credential_provider_get(struct credential_provider *p, struct aws_identity *ret, struct error *err)
{
	int64_t left_ms;
	int r;

	if (provider_must_look(p)) {
		if (p->fetch) /* the fetch ends shortly, and the caller then searches again */
			return -EAGAIN;
		provider_forget(p);
		r = provider_find(p, err);
		if (r < 0)
			return r;
	}
	left_ms = provider_left_ms(p);
	if (provider_must_fetch(p) && provider_start_fetch(p, err) < 0)
		return err->errnum;
	if (left_ms < EXPIRY_LEEWAY_MS)
		return p->fetch ? -EAGAIN : provider_last_failure(p, err);
	*ret = (struct aws_identity){.key_id = p->keys.key_id, .secret = p->keys.secret, .token = p->keys.token};
	return 0;
}

/* -- waiting --------------------------------------------------------------------------------------------------- */

void credential_provider_wait(struct credential_provider *p, struct credential_waiter *w, void (*ready)(void *arg),
			      void *arg)
{
	w->ready = ready;
	w->arg = arg;
	list_append(&p->waiting, &w->link);
}

void credential_waiter_cancel(struct credential_waiter *w)
{
	if (w->link.next)
		list_remove(&w->link);
}

/* -- creation and release -------------------------------------------------------------------------------------- */

int credential_provider_new(struct aws *a, const char *profile, struct credential_provider **ret)
{
	struct credential_provider *p = calloc(1, sizeof(*p));
	struct error err = {0};
	int r;

	if (!p)
		return -ENOMEM;
	p->aws = a;
	list_init(&p->waiting);
	pthread_mutex_init(&p->lock, NULL);
	r = profile && *profile && !(p->profile = strdup(profile)) ? -ENOMEM : provider_find(p, &err);
	if (r == -ENOMEM) {
		credential_provider_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void credential_provider_free(struct credential_provider *p)
{
	if (!p)
		return;
	provider_forget(p);
	pthread_mutex_destroy(&p->lock);
	free(p->profile);
	free(p->extra);
	free(p);
}
