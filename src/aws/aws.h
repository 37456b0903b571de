/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aws.h - calls to AWS.
 *
 * A call is a struct aws_request, made by a function of a service file (aws/services/ecs.h and so on: one short
 * function for each call), and a struct aws_reply. The same request can be sent asynchronously on the engine thread
 * (aws_start) or by sequential code on another thread that sleeps until the reply (aws_call). Signing, clock skew,
 * retries (AWS's standard mode), paging and the decoding of errors happen here and not in the service files.
 *
 * In every protocol the body of a reply is a cJSON tree: JSON unchanged, XML with elements as object members
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

/* One row for each service: its names, protocol and signature. Sources: AWS's published service models. */
struct aws_service {
	const char *name;	  /* name in messages and in the endpoint rules: "cloudformation" */
	const char *env_name;	  /* <SERVICE> in AWS_ENDPOINT_URL_<SERVICE>: "CLOUDFORMATION", "CLOUDWATCH_LOGS" */
	const char *signing_name; /* name in the credential scope: "elasticfilesystem" */
	enum aws_protocol protocol;
	const char *api_version; /* version of the API, for the query and ec2 protocols: "2010-05-15" */
	const char *
		target_prefix; /* prefix of X-Amz-Target, for the json protocol: "AmazonEC2ContainerServiceV20141113" */
};

#define AWS_PAGES_MOST	   100
#define AWS_ENTRIES_MOST   10000
#define AWS_RESOURCES_MOST 1000 /* most resources of a stack that are read; a template can have 500 */

/*
 * How a reply is continued. The call fetches all pages and joins the list named here; all NULL: a single reply. Pages
 * and entries beyond AWS_PAGES_MOST and `most` are neither fetched nor stored, see struct aws_reply.truncated.
 */
struct aws_paging {
	const char *token_in;  /* request member (query parameter in REST) that carries the token */
	const char *token_out; /* reply member with the token of the next page */
	const char *list;      /* reply member, an array, whose pages are joined; dots descend: "Result.Stacks" */
	int most;	       /* most entries of the list; 0: AWS_ENTRIES_MOST */
};

enum aws_retry {
	AWS_RETRY_STANDARD, /* throttling, 5xx, connection errors: the call is idempotent or carries a token */
	AWS_RETRY_UNSENT,   /* only if AWS certainly did not receive the request (connecting failed) */
};

struct aws_request {
	const struct aws_service *service;
	const char *operation; /* "DescribeStacks" */
	/* JSON and REST-JSON: the body. Query protocols: flattened to Member.1.Key and so on. Owned. NULL: none. */
	cJSON *params;
	const char *method;	/* REST: "GET"; NULL means POST */
	char *path;		/* REST: percent-encoded; owned; NULL means "/" */
	char *query;		/* REST: "a=b&c=d", percent-encoded, without the question mark; owned; NULL: none */
	const char *headers[4]; /* REST: "Name: value", static strings, NULL-terminated */
	struct buf payload;	/* REST: body bytes in place of params, if len != 0; owned */
	struct aws_paging paging;
	const struct aws_member *members; /* what every page of the reply must contain; NULL: the reply is not read */
	const struct aws_echo *echoes;	  /* the members that repeat params; NULL: none */
	enum aws_retry retry;
	int timeout_ms;	  /* limit of one attempt, until its whole reply has arrived; 0: 60 s */
	size_t reply_max; /* most bytes of the reply; 0: 16 MiB */
	/*
	 * REST, with opaque: this callback gets the bytes of a 2xx reply as they arrive, on the engine thread;
	 * reply->payload stays empty. If it returns a negative errno, the call ends with that errno. Such a call is
	 * never repeated once AWS may have received it, so no byte is delivered twice.
	 */
	int (*sink)(const void *data, size_t len, void *arg);
	void *sink_arg;
	bool opaque; /* REST: the body is passed on unread, so it need not be JSON */
	bool secret; /* the reply contains a secret: its bytes are overwritten; free the tree with secret_free_json() */
	bool quiet;  /* an error reply is expected (a 404 for "does not exist"), so it is not logged as a warning */
};

/* NULL is allowed. aws_start() and aws_call() free their request themselves. */
void aws_request_free(struct aws_request *r);

/* A copy of the request, to send it again; NULL without memory. r may be NULL. */
struct aws_request *aws_request_copy(const struct aws_request *r);

/* For service files: a request with params = {} (NULL for REST), or NULL without memory. */
struct aws_request *aws_request_new(const struct aws_service *service, const char *operation);

struct aws_reply {
	int status;	    /* HTTP status of the last reply, 0 without a reply */
	cJSON *body;	    /* NULL if the body was empty or is not JSON or XML; owned by the reply */
	struct buf payload; /* the bytes of the body; owned */
	char request_id[64];
	char function_error[32]; /* Lambda's X-Amz-Function-Error, "" if absent */
	char *log_tail;		 /* Lambda's X-Amz-Log-Result, base64; NULL if absent; owned */
	bool sent;		 /* the request, or a part of it, may have reached AWS */
	bool truncated;		 /* the list has more entries or pages than are read; body has those that were read */
	struct error error;	 /* errnum 0: success */
};

void aws_reply_free(struct aws_reply *r); /* frees the content, not the struct */

/*
 * A client: settings of one profile and region, the credentials, the measured clock skew, the retry quota. Created and
 * used on any thread, reference counted.
 */
struct aws;

struct aws_config {
	const char *region;
	const char *profile;	/* NULL: AWS_PROFILE or default */
	struct stream *api_log; /* gets one line for each attempt; NULL: no log */
	struct tally *calls;	/* counts each attempt; NULL: attempts are not counted */
	/* Called on the engine thread after each new set of keys, of the same or of another identity; may be NULL. */
	void (*keys_changed)(void *arg);
	void *keys_changed_arg;
};

/*
 * Reads environment and ~/.aws as AWS's SDKs do. Missing credentials are not an error here: each call then fails with
 * -ENOKEY and a message that lists the sources searched. -EINVAL: a malformed endpoint URL or profile.
 */
int aws_new(struct engine *e, const struct aws_config *config, struct aws **ret, struct error *err);
/* A client with the same profile and log in another region. */
int aws_new_in_region(struct aws *a, const char *region, struct aws **ret, struct error *err);
struct aws *aws_ref(struct aws *a);
void aws_unref(struct aws *a);
const char *aws_region(const struct aws *a);
int64_t aws_now_ms(const struct aws *a); /* wall clock of AWS, as measured from its replies; any thread */
/*
 * The URL that replaces the AWS endpoint of a service, "" without one. Behind another endpoint the same names refer to
 * other resources.
 */
const char *aws_endpoint_override(const struct aws *a, const char *service);

/* The file of trusted certificates, from AWS_CA_BUNDLE or ca_bundle in the profile; NULL: the system's. */
const char *aws_ca_file(const struct aws *a);

/*
 * Any thread: 0, or -ENOKEY with a message. Decides from memory, so 0 while the keys are fetched for the first time.
 * After a failure the credential files are compared with those that failed: if they have changed, the result is 0
 * again, and the keys are fetched again.
 */
int aws_check_credentials(struct aws *a, struct error *err);

/*
 * Any thread: 0, or -EINVAL with a message: the credentials do not come from IAM Identity Center, so a login has no
 * effect. Decides from memory; also 0 if the files have changed since they were read.
 */
int aws_check_login(struct aws *a, struct error *err);

/* Any thread: makes vastfs read all sources of credentials again, at the next call at the latest. */
void aws_renew_credentials(struct aws *a);

/* Facts about the credentials in use. */
struct aws_credentials_facts {
	char source[256];   /* "profile work in /home/a/.aws/credentials", "role arn:... via environment" */
	int64_t expires_ms; /* wall clock, 0: never */
	uint64_t version;   /* goes up with each new set of keys */
};
/* Any thread. False: no credentials have been found yet. */
bool aws_credentials_facts(struct aws *a, struct aws_credentials_facts *ret);

/*
 * Any thread. A hash of the source of the credentials, and of the access key ID if the files or the environment contain
 * one. A different hash later means that the identity may have changed. "" without credentials.
 */
#define AWS_CREDENTIALS_HASH_SIZE 17
char *aws_credentials_hash(struct aws *a, char hex[static AWS_CREDENTIALS_HASH_SIZE]);

/*
 * The region that the AWS CLI would use: AWS_REGION, AWS_DEFAULT_REGION, or the region of the profile (profile:
 * aws_profile of the settings, NULL or "" without). The caller frees it; NULL: none, or no memory. *ret_source: the
 * name of the source for messages, static. Reads ~/.aws, so the FUSE loop's thread must not call it.
 */
char *aws_default_region(const char *profile, const char **ret_source);

struct aws_call;

/*
 * Engine thread. Sends the request; the call owns and frees it. done is called exactly once, later, on the engine
 * thread; it may take over the content of the reply. NULL without memory (done is not called).
 */
struct aws_call *aws_start(struct aws *a, struct aws_request *request, void (*done)(struct aws_reply *reply, void *arg),
			   void *arg);

/* The identity for a call that is not signed with the client's keys: used to fetch those keys. */
struct aws_identity;
struct aws_as {
	const struct aws_identity *identity; /* NULL: the request is not signed */
	const char *region;		     /* NULL: the client's region */
};

/* As aws_start(), with another identity; `as` and the strings it points to are copied. */
struct aws_call *aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
			      void (*done)(struct aws_reply *reply, void *arg), void *arg);

/* Engine thread. Abandons the call: done is called with -ECANCELED before this returns. */
void aws_cancel(struct aws_call *call);

/* Cancels a sleeping call: fired by any thread, watched by aws_call(), aws_sleep() and await(). */
struct aws_cancel_token;
struct aws_cancel_token *aws_cancel_token_new(void);
void aws_cancel_token_free(struct aws_cancel_token *t);
void aws_cancel_token_fire(struct aws_cancel_token *t); /* any thread; cannot be undone */
bool aws_cancel_token_fired(struct aws_cancel_token *t);

/*
 * Sends the request (owned) and sleeps until the reply, so neither the engine's nor the FUSE loop's thread may call it.
 * Returns 0 and the tree of the reply in *ret (ret may be NULL; the tree is NULL if the reply had no body), or a
 * negative errno with err set. -EOVERFLOW: the list has more entries than are read, and a partial list must not be
 * mistaken for the whole. -ECANCELED: the token (may be NULL) was fired.
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
/* The integer at a dotted path, between -2^53 and 2^53; fallback for other values and for fractions. */
int64_t aws_integer(const cJSON *tree, const char *path, int64_t fallback);

#endif
