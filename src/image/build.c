/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/build.h"

#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "image/copy.h"
#include "image/docker_config.h"
#include "image/layer.h"
#include "image/mirror.h"
#include "image/url.h"

#include <string.h>

#define SECRET_MAX (64 * 1024)

struct build {
	const struct image_build *b;
	struct image_reference base;
	struct image_layer layer;
	struct registry source, target;
	char base_digest[IMAGE_DIGEST_SIZE]; /* digest of the index or manifest that the name of the base refers to */
	struct image_manifest manifest;	     /* manifest of the base */
	struct buf config, new_config, new_manifest;
	char new_digest[IMAGE_DIGEST_SIZE]; /* digest of new_manifest */
	struct image_blob config_blob, layer_blob;
	struct error warning; /* a fault in the stored credentials */
};

/*
 * -- registries -----------------------------------------------------------------------------------------------------
 */

static bool build_is_ecr_host(const char *url)
{
	const char *host = strstr(url, "://");
	char name[600];
	struct image_reference r;

	snprintf(name, sizeof(name), "%.500s/x", host ? host + 3 : url);
	return image_reference_parse(name, &r, NULL) == 0 && r.is_ecr;
}

char *image_ecr_registry(const struct image_reference *base, const char *endpoint, const char *account)
{
	char *url;

	if (*endpoint && strcmp(base->ecr_account, account) == 0 && !build_is_ecr_host(endpoint))
		return strdup(endpoint);
	return asprintf(&url, "https://%s", base->host) < 0 ? NULL : url;
}

static int build_open_registry(struct build *x, const struct image_place *place, const char *secret, bool eager)
{
	int r = registry_open(&x->source, x->b->engine, x->b->cancel, place->base, place->name, secret, eager);

	x->source.ca_file = x->b->ca_file;
	return r;
}

/* Locates the base at the mirror. If the URL does not decide between the two layouts, a request does. */
static int build_locate_at_mirror(struct build *x, const char *mirror, struct image_place *ret, struct error *err)
{
	int kind = mirror_place(mirror, x->base.name, MIRROR_UNSURE, ret, err), r;
	bool answers = true;

	if (kind != MIRROR_UNSURE)
		return kind < 0 ? kind : 0;
	r = build_open_registry(x, ret, NULL, false);
	if (r == 0)
		r = registry_answers(&x->source, &answers, err);
	registry_close(&x->source);
	if (r < 0 || answers)
		return r;
	image_place_free(ret);
	kind = mirror_place(mirror, x->base.name, MIRROR_OF_SEVERAL, ret, err);
	return kind < 0 ? kind : 0;
}

/* The mirror's URL. NULL: no mirror is set, or the image is in ECR. */
static const char *build_mirror(const struct build *x)
{
	const char *mirror = getenv("VASTFS_REGISTRY_MIRROR");

	return mirror && *mirror && !x->base.is_ecr ? mirror : NULL;
}

/* The remedy for connection failures is about AWS, so it is replaced by one that names the setting with the host. */
static int build_advise_on_network(const struct build *x, int r, struct error *err)
{
	if (r == -ENETUNREACH || r == -ECONNREFUSED || r == -ETIMEDOUT)
		error_remedy(err, "check the network connection, the proxy settings (https_proxy, NO_PROXY) and %s",
			     build_mirror(x) ? "VASTFS_REGISTRY_MIRROR" : "vast_image in config/default.env");
	return r;
}

static int build_locate_source(struct build *x, struct image_place *ret, struct error *err)
{
	const char *mirror = build_mirror(x);

	if (mirror)
		return build_locate_at_mirror(x, mirror, ret, err);
	ret->name = strdup(x->base.name);
	if (x->base.is_ecr && x->b->source_registry)
		ret->base = strdup(x->b->source_registry);
	else if (asprintf(&ret->base, "%s://%s", image_host_is_loopback(x->base.host) ? "http" : "https",
			  x->base.host) < 0)
		ret->base = NULL;
	return ret->base && ret->name ? 0 : -ENOMEM;
}

/* A password is not sent over an unencrypted connection. */
static void build_withhold_password(struct build *x, const char *host, struct buf *basic)
{
	secret_free_buf(basic);
	error_set(&x->warning, -EACCES,
		  "the stored password for %s was not sent: the URL of the mirror begins with http, which does not "
		  "encrypt",
		  host);
	error_remedy(&x->warning, "set VASTFS_REGISTRY_MIRROR to an https URL and restart vastfs");
}

/* The credentials are looked up for the mirror's host: those of the mirrored registry are not sent to it. */
static int build_open_with_stored_credentials(struct build *x, const struct image_place *place, struct error *err)
{
	_secret_buf_ struct buf basic = BUF_INIT(SECRET_MAX);
	const char *start = strstr(place->base, "://") + 3;
	_free_ char *host = strndup(start, strcspn(start, "/"));
	int r = host ? image_credentials(host, place->name, &basic, &x->warning, err) : -ENOMEM;
	int is_private = r == 0 && basic.len ? image_url_is_private(place->base) : 1;

	if (is_private < 0)
		return is_private;
	if (!is_private)
		build_withhold_password(x, host, &basic);
	return r == 0 ? build_open_registry(x, place, buf_str(&basic), false) : r;
}

static int build_open_source(struct build *x, struct error *err)
{
	struct image_place place = {NULL};
	int r = build_locate_source(x, &place, err);

	if (r == 0 && x->base.is_ecr && x->b->source_authorization)
		r = build_open_registry(x, &place, x->b->source_authorization, true);
	else if (r == 0)
		r = build_open_with_stored_credentials(x, &place, err);
	image_place_free(&place);
	if (error_is(&x->warning) && x->b->warn)
		x->b->warn(x->b->arg, &x->warning);
	return build_advise_on_network(x, r, err);
}

static int build_open_target(struct build *x)
{
	return registry_open(&x->target, x->b->engine, x->b->cancel, x->b->registry, x->b->repository,
			     x->b->authorization, true);
}

/* -- the base -------------------------------------------------------------------------------------------------- */

static int build_choose_platform(struct build *x, const struct buf *index, char ret[IMAGE_DIGEST_SIZE],
				 struct error *err)
{
	cJSON *json;
	int r = json_parse(buf_str(index), index->len, &json, NULL);

	if (r != -ENOMEM)
		r = image_manifest_choose(json, x->b->architecture, ret, err);
	cJSON_Delete(json);
	return r;
}

static bool build_is_index(const struct buf *document, const char *media_type)
{
	cJSON *json = cJSON_ParseWithLength(buf_str(document), document->len);
	bool answer = image_manifest_is_index(json, media_type);

	cJSON_Delete(json);
	return answer;
}

static int build_find_base(struct build *x, struct error *err)
{
	int r = registry_find(&x->source, image_reference_target(&x->base), x->base_digest, err);

	return build_advise_on_network(x, r, err);
}

/* Reads by the digest found before, because the tag may be moved in the meantime. */
static int build_read_base(struct build *x, struct error *err)
{
	_buf_ struct buf document = BUF_INIT(IMAGE_MANIFEST_MAX);
	char media_type[IMAGE_MEDIA_MAX], platform[IMAGE_DIGEST_SIZE];
	int r = registry_get_manifest(&x->source, x->base_digest, &document, media_type, err);

	if (r == 0 && build_is_index(&document, media_type)) {
		r = build_choose_platform(x, &document, platform, err);
		buf_clear(&document);
		if (r == 0)
			r = registry_get_manifest(&x->source, platform, &document, media_type, err);
		if (r == 0 && build_is_index(&document, media_type))
			r = error_set(err, -EINVAL,
				      "the index of the image refers to another index, which is not supported");
	}
	if (r == 0)
		r = image_manifest_parse(buf_str(&document), document.len, media_type, &x->manifest, err);
	return r == 0 ? registry_get_blob(&x->source, &x->manifest.config, &x->config, err) : r;
}

/* -- the copy -------------------------------------------------------------------------------------------------- */

static void build_report_progress(void *arg, uint64_t done, uint64_t total)
{
	const struct image_build *b = arg;

	if (b->progress)
		b->progress(b->arg, "copying the image", done, total);
}

static int build_assemble(struct build *x, struct error *err)
{
	int r = image_assemble(&x->manifest, buf_str(&x->config), x->config.len, x->b->architecture, &x->layer,
			       &x->new_config, &x->new_manifest, x->new_digest, err);

	if (r < 0)
		return r;
	strcpy(x->layer_blob.digest, x->layer.digest);
	x->layer_blob.size = x->layer.data.len;
	x->config_blob.size = x->new_config.len;
	return image_digest(buf_str(&x->new_config), x->new_config.len, x->config_blob.digest);
}

/* A manifest may list the same layer twice. */
static bool build_has_item(const struct copy_item *items, size_t n, const char *digest)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].blob.digest, digest) == 0)
			return true;
	return false;
}

static struct copy_item *build_list_items(const struct build *x, size_t *ret_n)
{
	struct copy_item *items = calloc(x->manifest.n_layers + 2, sizeof(*items));
	size_t n = 0;

	if (!items)
		return NULL;
	items[n++] = (struct copy_item){.blob = x->layer_blob, .data = &x->layer.data};
	items[n++] = (struct copy_item){.blob = x->config_blob, .data = &x->new_config};
	for (size_t i = 0; i < x->manifest.n_layers; i++)
		if (!build_has_item(items, n, x->manifest.layers[i].digest))
			items[n++].blob = x->manifest.layers[i];
	*ret_n = n;
	return items;
}

/* A token of the source expires after minutes; a copy may take longer. Blobs that were sent are not sent again. */
static int build_copy_blobs(struct build *x, uint64_t *ret_sent, struct error *err)
{
	struct copy copy = {
		.source = &x->source, .target = &x->target, .progress = build_report_progress, .arg = (void *)x->b};
	_free_ struct copy_item *items = build_list_items(x, &copy.n);
	uint64_t before = UINT64_MAX, sent;
	char digest[IMAGE_DIGEST_SIZE];
	int r;

	if (!items)
		return -ENOMEM;
	copy.items = items;
	copy.mount = image_url_same_origin(x->source.base, x->target.base) >
		     0; /* if memory is missing, the blobs are sent instead of mounted */
	*ret_sent = 0;
	do {
		r = copy_run(&copy, x->b->cancel, &sent, err);
		*ret_sent += sent;
		if (r != -EACCES || err->http_status != 401 || sent == before)
			break;
		before = sent;
		log_debug("the token of the source registry has expired");
		r = registry_find(&x->source, x->base_digest, digest, err);
	} while (r == 0);
	return r;
}

static int build_read_and_assemble(struct build *x, struct error *err)
{
	int r = build_read_base(x, err);

	return r == 0 ? build_assemble(x, err) : r;
}

/* The request may have succeeded although its reply was lost, and an immutable tag refuses a repetition. */
static int build_store_manifest(struct build *x, const char *tag, struct error *err)
{
	struct error own = {0};
	char found[IMAGE_DIGEST_SIZE];
	int r = registry_put_manifest(&x->target, tag, x->manifest.media_type, &x->new_manifest, err);

	if (r == 0 || r == -ECANCELED)
		return r;
	if (registry_find(&x->target, tag, found, &own) < 0 || strcmp(found, x->new_digest) != 0)
		return r;
	*err = (struct error){0};
	return 0;
}

static int build_push(struct build *x, struct image_built *ret, struct error *err)
{
	char found[IMAGE_DIGEST_SIZE];
	int r = build_read_and_assemble(x, err);

	if (r == 0)
		r = build_copy_blobs(x, &ret->bytes, err);
	if (r == 0)
		r = build_store_manifest(x, ret->tag, err);
	if (r == 0)
		r = registry_find(&x->target, ret->tag, found, err);
	if (r < 0)
		return r;
	if (strcmp(found, x->new_digest) != 0)
		return error_set(err, -EIO, "%s has another image under the tag than the one pushed: %.19s, not %.19s",
				 x->target.base, found, x->new_digest);
	strcpy(ret->digest, x->new_digest);
	ret->pushed = true;
	return 0;
}

/* Reads only the digest of the base. ret->digest is "" if the target does not have the image. */
static int build_find(struct build *x, struct image_built *ret, struct error *err)
{
	int r = build_find_base(x, err);

	if (r == 0)
		r = image_tag(x->base_digest, x->b->architecture, x->layer.digest, ret->tag);
	if (r < 0)
		return r;
	r = registry_find(&x->target, ret->tag, ret->digest, err);
	if (r != -ENOENT)
		return r;
	memset(err, 0, sizeof(*err));
	ret->digest[0] = '\0';
	return 0;
}

static int build_if_missing(struct build *x, struct image_built *ret, struct error *err)
{
	int r = build_find(x, ret, err);

	return r < 0 || *ret->digest ? r : build_push(x, ret, err);
}

static int build_check(struct build *x, struct image_built *ret, struct error *err)
{
	int r = build_find_base(x, err);

	(void)ret;
	return r == 0 ? build_read_and_assemble(x, err) : r;
}

static void build_release(struct build *x)
{
	registry_close(&x->source);
	registry_close(&x->target);
	image_layer_free(&x->layer);
	image_manifest_free(&x->manifest);
	buf_free(&x->config);
	buf_free(&x->new_config);
	buf_free(&x->new_manifest);
}

/* Adds facts that the registry does not report: the account that owns the repository, and why no password was sent. */
static void build_advise(const struct build *x, struct error *err)
{
	char advice[sizeof(err->remedy)];

	if (x->base.is_ecr && err->errnum == -EACCES)
		error_remedy(err,
			     "check vast_image in config/default.env, and that the policy of the repository in account "
			     "%s and your IAM policies allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer",
			     x->base.ecr_account);
	if (!error_is(&x->warning))
		return;
	snprintf(advice, sizeof(advice), "%s", err->remedy);
	error_remedy(err, "%s (%s)%s%s", x->warning.remedy, x->warning.message, *advice ? "; or " : "", advice);
}

static int build_run(const struct image_build *b, struct image_built *ret,
		     int (*fn)(struct build *x, struct image_built *ret, struct error *err), struct error *err)
{
	struct build x = {.b = b,
			  .config = BUF_INIT(IMAGE_MANIFEST_MAX + 1),
			  .new_config = BUF_INIT(2 * IMAGE_MANIFEST_MAX),
			  .new_manifest = BUF_INIT(2 * IMAGE_MANIFEST_MAX)};
	struct error own = {0}, *e = err ? err : &own;
	int r;

	memset(e, 0, sizeof(*e));
	r = image_reference_parse(b->base, &x.base, e);
	if (r == 0)
		r = image_layer_make(b->runtime, &x.layer, e);
	if (r == 0)
		r = build_open_source(&x, e);
	if (r == 0)
		r = build_open_target(&x);
	x.target.ca_file = b->ca_file;
	if (r == 0)
		r = fn(&x, ret, e);
	if (r == -EACCES || r == -ENOENT)
		build_advise(&x, e);
	build_release(&x);
	if (r < 0 && !error_is(e))
		error_set(e, r, "out of memory");
	return r;
}

int image_build(const struct image_build *b, struct image_built *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return build_run(b, ret, build_if_missing, err);
}

int image_check(const struct image_build *b, struct error *err)
{
	return build_run(b, NULL, build_check, err);
}

int image_look_up(const struct image_build *b, struct image_built *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return build_run(b, ret, build_find, err);
}
