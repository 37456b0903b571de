/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aws.h - calling AWS.
 *
 * A call is a struct aws_request, made by a function of a service file (aws/ecs.h and so on: one short function a
 * call), and a struct aws_reply. The same request can be sent asynchronously on the engine thread (aws_start) or by
 * plain sequential code on another thread that sleeps until it is answered (aws_call). Signing, clock skew, retries
 * (AWS's standard mode), paging and the decoding of errors happen here; service files know none of it.
 *
 * Whatever the protocol, a reply's body is a cJSON tree: JSON as it came, XML with elements as object members
 * (text as strings; <member> and <item> lists as arrays, also when they have one or no entry).
 */
#ifndef VASTFS_AWS_AWS_H
#define VASTFS_AWS_AWS_H

#include "aws/engine.h"
#include "aws/protocol/shape.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/stream.h"

#include <cjson/cJSON.h>

enum aws_protocol { AWS_JSON, AWS_QUERY, AWS_EC2, AWS_REST_JSON };

/* One row a service: how it is reached, signed and spoken to. Sources: AWS's published service models. */
struct aws_service {
	const char *name;	  /* for people and for AWS_ENDPOINT_URL_<SERVICE>: "cloudformation" */
	const char *env_name;	  /* <SERVICE> in that variable: "CLOUDFORMATION", "CLOUDWATCH_LOGS" */
	const char *signing_name; /* in the credential scope: "elasticfilesystem" */
	enum aws_protocol protocol;
	const char *api_version;   /* query and ec2: "2010-05-15" */
	const char *target_prefix; /* json: "AmazonEC2ContainerServiceV20141113" */
};

#define AWS_PAGES_MOST	   100
#define AWS_ENTRIES_MOST   10000
#define AWS_RESOURCES_MOST 1000 /* of a stack; a template can have 500 */

/*
 * How a reply is continued. The layer fetches all pages and joins the list named here; all NULL: a single reply. What
 * is beyond AWS_PAGES_MOST pages or the entries allowed is neither fetched nor kept, see struct aws_reply.truncated.
 */
struct aws_paging {
	const char *token_in;  /* request member (query parameter in REST) that carries the token */
	const char *token_out; /* reply member that holds the next one */
	const char *list;      /* reply member, an array, whose pages are joined; dots descend: "Result.Stacks" */
	int most;	       /* entries of the list; 0: AWS_ENTRIES_MOST */
};

enum aws_retry {
	AWS_RETRY_STANDARD, /* throttling, 5xx, connection errors: the call is idempotent or carries a token */
	AWS_RETRY_UNSENT,   /* only while it is certain that AWS did not get the request (connecting failed) */
};

struct aws_request {
	const struct aws_service *service;
	const char *operation; /* "DescribeStacks" */
	/* JSON and REST-JSON: the body. Query protocols: members become Member.1.Key and the like. Owned. NULL: none.
	 */
	cJSON *params;
	const char *method;	/* REST: "GET"; NULL means POST */
	char *path;		/* REST: percent-encoded; owned; NULL means "/" */
	char *query;		/* REST: "a=b&c=d", percent-encoded, without the question mark; owned; NULL: none */
	const char *headers[4]; /* REST: "Name: value", static strings, NULL-terminated */
	struct buf payload;	/* REST: body bytes in place of params, if len != 0; owned */
	struct aws_paging paging;
	const struct aws_member
		*members; /* what the reply, each page of it, must contain; NULL: nothing is read of it */
	enum aws_retry retry;
	int timeout_ms;	  /* for one attempt's whole reply; 0: 60 s */
	size_t reply_max; /* bytes; 0: 16 MiB */
	/*
	 * REST, with opaque: takes the bytes of a 2xx reply as they come, on the engine thread, in place of
	 * reply->payload; a negative errno ends the call with it. Such a call is never sent again once AWS may have
	 * taken it, so no byte comes twice.
	 */
	int (*sink)(const void *data, size_t len, void *arg);
	void *sink_arg;
	bool opaque; /* REST: the reply is the caller's business, so bytes that are not JSON are no error */
	bool secret; /* the reply holds a secret: its bytes are overwritten; the tree is for secret_free_json() */
	bool quiet;  /* an expected error reply (a 404 that means "not there") is not an error worth a warning */
};

/* Frees it. NULL is fine. A request given to aws_start or aws_call is freed by them. */
void aws_request_free(struct aws_request *r);

/* Another request of the same content, to be sent again; NULL without memory. r may be NULL. */
struct aws_request *aws_request_copy(const struct aws_request *r);

/* For service files: a request with params = {} (NULL for REST), or NULL without memory. */
struct aws_request *aws_request_new(const struct aws_service *service, const char *operation);

struct aws_reply {
	int status;	    /* HTTP status of the last reply, 0 if none came */
	cJSON *body;	    /* NULL if there was none or it is not JSON or XML; owned by the reply */
	struct buf payload; /* the bytes as they came; owned */
	char request_id[64];
	char function_error[32]; /* Lambda's X-Amz-Function-Error, "" if absent */
	char *log_tail;		 /* Lambda's X-Amz-Log-Result, base64; NULL if absent; owned */
	bool sent;		 /* the request, or a part of it, may have reached AWS */
	bool truncated;		 /* the list has more entries or pages than are read; those that were read are here */
	struct error error;	 /* errnum 0 when AWS said yes */
};

void aws_reply_free(struct aws_reply *r); /* the content, not the struct */

/*
 * A client: settings of one profile and region, the credentials, the learnt clock skew, the retry quota. Born and
 * used on any thread, reference counted.
 */
struct aws;

struct aws_config {
	const char *region;
	const char *profile;	/* NULL: AWS_PROFILE or default */
	struct stream *api_log; /* every attempt becomes one line in it; NULL: none */
	/* Called on the engine thread after each new set of keys, of the same identity or of another; NULL: nobody. */
	void (*keys_changed)(void *arg);
	void *keys_changed_arg;
};

/*
 * Reads environment and ~/.aws as AWS's SDKs do. Credentials that are missing are not an error here: each call then
 * fails with -ENOKEY and words that say where was looked. -EINVAL: a malformed endpoint URL or profile.
 */
int aws_new(struct engine *e, const struct aws_config *config, struct aws **ret, struct error *err);
/* The same profile and log in another region. */
int aws_new_in_region(struct aws *a, const char *region, struct aws **ret, struct error *err);
struct aws *aws_ref(struct aws *a);
void aws_unref(struct aws *a);
const char *aws_region(const struct aws *a);
int64_t aws_now_ms(const struct aws *a); /* wall clock as AWS has it, as far as its replies have shown; any thread */
/* The URL that replaces AWS's own endpoint of a service, "" if none does: with it, the same names mean other things. */
const char *aws_endpoint_override(const struct aws *a, const char *service);

/* The certificates to trust, of AWS_CA_BUNDLE or the profile's ca_bundle; NULL: the system's. */
const char *aws_ca_file(const struct aws *a);

/*
 * Any thread: 0, or -ENOKEY with a message. Decides from memory: while keys are being fetched for the first time
 * nothing is known, so that is 0. After a failure the files are compared with those that failed: if they have changed,
 * it is 0 again, and the keys are fetched anew.
 */
int aws_check_credentials(struct aws *a, struct error *err);

/*
 * Any thread: 0, or -EINVAL with a message: the credentials come from elsewhere than IAM Identity Center, so there is
 * nothing to sign in to. From memory; 0 too if the files have changed since they were read.
 */
int aws_check_login(struct aws *a, struct error *err);

/* Any thread: has the credentials looked for from the beginning, files and all, with the next call at the latest. */
void aws_renew_credentials(struct aws *a);

/* Any thread: what is known of the credentials in use. False: nothing yet. */
struct aws_credentials_facts {
	char source[256];   /* "profile work in /home/a/.aws/credentials", "role arn:... via environment" */
	int64_t expires_ms; /* wall clock, 0: never */
	uint64_t version;   /* goes up with each new set of keys */
};
bool aws_credentials_facts(struct aws *a, struct aws_credentials_facts *ret);

/*
 * Any thread. A hash of where the credentials come from, and of the access key ID where the files or the environment
 * have one, to see later whether the identity may be another one; "" without credentials.
 */
#define AWS_CREDENTIALS_HASH_SIZE 17
char *aws_credentials_hash(struct aws *a, char hex[static AWS_CREDENTIALS_HASH_SIZE]);

/*
 * The region that the AWS CLI would use, to be freed: AWS_REGION, AWS_DEFAULT_REGION, or that of the profile (of the
 * settings; NULL or "": none named). NULL: none, or no memory. *ret_source: who says it, for people; it is static.
 * Reads ~/.aws, so not on the FUSE loop's thread.
 */
char *aws_default_region(const char *profile, const char **ret_source);

struct aws_call;

/*
 * Engine thread. Sends the request, which is owned and freed by the call. done is called exactly once, later, on the
 * engine thread; it may take the reply's content. NULL without memory (done is not called).
 */
struct aws_call *aws_start(struct aws *a, struct aws_request *request, void (*done)(struct aws_reply *reply, void *arg),
			   void *arg);

/* In whose name a call is made that is not made in the client's: when the client's own keys are being fetched. */
struct aws_identity;
struct aws_as {
	const struct aws_identity *identity; /* NULL: the request is not signed */
	const char *region;		     /* NULL: the client's */
};

/* The same in that name; as and what it points to are copied. */
struct aws_call *aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
			      void (*done)(struct aws_reply *reply, void *arg), void *arg);

/* Engine thread. Abandons the call: done is called with -ECANCELED before this returns. */
void aws_cancel(struct aws_call *call);

/* What lets a sleeping caller go: set by any thread, looked at by aws_call and aws_sleep. */
struct aws_cancel_token;
struct aws_cancel_token *aws_cancel_token_new(void);
void aws_cancel_token_free(struct aws_cancel_token *t);
void aws_cancel_token_fire(struct aws_cancel_token *t); /* any thread; sticks */
bool aws_cancel_token_fired(struct aws_cancel_token *t);

/*
 * Any thread but the engine's and the FUSE loop's: sends the request (owned) and sleeps until it is answered.
 * Returns 0 and the reply's tree in *ret (ret may be NULL; NULL tree if the reply had no body), or a negative errno
 * with err filled. -EOVERFLOW: the list is longer than what is read; a part of it would be taken for the whole.
 * -ECANCELED when the token (may be NULL) was fired.
 */
int aws_call(struct aws *a, struct aws_request *request, struct aws_cancel_token *cancel, cJSON **ret,
	     struct error *err);

/* Sleeps, or returns -ECANCELED as soon as the token is fired. */
int aws_sleep(struct aws_cancel_token *cancel, int64_t ms);

/* Reading replies: the string at a dotted path ("Stacks.0.StackId"), or "" if there is none. Numbers have no string. */
const char *aws_text(const cJSON *tree, const char *path);
/* The node at a dotted path, or NULL. */
const cJSON *aws_at(const cJSON *tree, const char *path);
/* The finite number at a dotted path (text that is a number counts, for XML), or fallback. */
double aws_number(const cJSON *tree, const char *path, double fallback);
/* The same as an integer, between -2^53 and 2^53; fallback also for a fraction and for what is outside of these. */
int64_t aws_integer(const cJSON *tree, const char *path, int64_t fallback);

#endif
