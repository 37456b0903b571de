/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flight.h - the transfer of one blob between two registries. For copy.c only, on the engine's thread.
 *
 * The requests of a flight: HEAD at the target, POST to begin the upload, GET from the source into a ring, PATCH from
 * the ring to the target, PUT with the digest, HEAD to verify. There is only one PATCH, because ECR ignores the data of
 * a second one (containers-roadmap#2831).
 */
#ifndef VASTFS_IMAGE_FLIGHT_H
#define VASTFS_IMAGE_FLIGHT_H

#include "aws/await.h"
#include "image/copy.h"
#include "image/ring.h"

#include <openssl/evp.h>

enum flight_step { CHECKING, BEGINNING, SENDING, COMMITTING, VERIFYING };

struct copy_job;

struct flight {
	struct copy_job *job;	      /* the copy that this flight belongs to */
	const struct copy_item *item; /* NULL: idle */
	enum flight_step step;
	unsigned try, redirects;
	char *upload; /* URL of the upload at the target */
	char *from;   /* URL of the blob at the source, after redirects */
	struct http_exchange *out, *in;
	bool in_paused, out_paused, in_ended, sent_all;
	struct ring ring;
	uint64_t taken;		/* bytes from the source */
	bool forgotten;		/* the target has lost the upload once */
	struct error unsettled; /* why it is unknown whether the blob was stored */
	bool may_retry;		/* whether a retry may succeed */
	EVP_MD_CTX *hash;
	struct engine_timer timer;
};

struct copy_job {
	struct awaited awaited;
	const struct copy *copy;
	struct engine *engine;
	struct flight flights[COPY_AT_ONCE];
	size_t next;		    /* index of the next item */
	size_t busy;		    /* flights that are not idle */
	uint64_t done, total, sent; /* numbers of bytes */
	struct error error;
	bool ended;
	bool starting; /* copy_start() is running, which reports the end itself */
};

/* Starts the next blob of the copy, or ends the copy after the last one. */
void flight_next_blob(struct flight *f);

/* Cancels the requests of the flight and frees their state; the buffer of the ring is kept for the next blob. */
void flight_reset(struct flight *f);

/* Implemented by copy.c: counts bytes and reports the progress; ends the copy and cancels all flights. */
void copy_report(struct copy_job *j, uint64_t more);
void copy_end(struct copy_job *j);

#endif
