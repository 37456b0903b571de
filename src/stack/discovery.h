/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * discovery.h - the VPCs of a region as AWS described them, as texts from which the user chooses the settings for
 * default.env.
 *
 * A discovery is immutable and reference-counted; any thread may read it. Every text is the complete content of a file
 * of the tree: lines with newlines, and escaped, because names and tags are written by others. The functions are pure.
 */
#ifndef VASTFS_STACK_DISCOVERY_H
#define VASTFS_STACK_DISCOVERY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/ref.h"
#include "stack/vpc_fit.h"

#include <cjson/cJSON.h>
#include <stdint.h>

enum discovery_state {
	DISCOVERY_READING, /* not read yet */
	DISCOVERY_FAILED,  /* could not be read, or no region is known: see `why` */
	DISCOVERY_READ,
};

/*
 * Whether the stack can be deployed in the VPC. FITS_UNKNOWN: no obstacle is known, but one of deploy's checks could
 * not be made.
 */
enum discovery_fits { FITS_UNKNOWN, FITS_NO, FITS_YES };

struct discovered_vpc {
	char *id;
	char *name, *cidr, *is_default, *owner, *tenancy, *internet_gateway, *subnets, *free_cidrs, *peerings,
		*dns_support, *dns_hostnames, *dns_servers, *block_public_access, *fits, *reasons;
	enum discovery_fits fit;
	char first_reason[256]; /* one line, "" if there is none */
	bool is_the_default;
	unsigned peers;	    /* number of peerings that are active or about to be */
	unsigned free_24s;  /* free blocks of 256 addresses, as far as free_cidrs lists them */
	uint64_t free;	    /* addresses in free_cidrs */
	int64_t changed_ms; /* wall clock time of the last change of one of the texts */
};

/* The replies of AWS; the caller owns them. */
struct discovery_facts {
	const char *region, *profile; /* from the settings; profile "" if none is set */
	const char *account;	      /* "": not known */
	/*
	 * The replies by name: vpcs, gateways, subnets, peerings, access, exclusions, dhcp as in struct vpc_facts;
	 * support and hostnames are objects with a reply for each VPC ID.
	 */
	cJSON *replies;
	cJSON *missing;		      /* texts by the same names: why a reply is missing; see discovery_note_missing */
	bool more_vpcs, more_subnets; /* AWS has more VPCs or subnets than were read */
};

struct discovery {
	struct ref ref;
	enum discovery_state state;
	struct error why; /* DISCOVERY_FAILED */
	char *region, *profile;
	struct discovery_facts facts; /* owned; DISCOVERY_READ */
	struct discovered_vpc *vpcs;  /* sorted by ID */
	size_t n;
	int64_t changed_ms; /* wall clock time of the last change of the discovery */
	int64_t read_ms;    /* wall clock; 0: not read */
};

/* Makes a discovery without facts, whose state is not DISCOVERY_READ; why may be NULL. Returns NULL without memory. */
struct discovery *discovery_new(const char *region, const char *profile, enum discovery_state state,
				const struct error *why);
/*
 * Makes a discovery from AWS's replies. Takes over replies and missing, also on failure. before is the previous
 * discovery or NULL. Returns NULL without memory.
 */
struct discovery *discovery_parse(const struct discovery_facts *f, const struct discovery *before);
struct discovery *discovery_ref(struct discovery *d);
void discovery_unref(struct discovery *d);

bool discovery_is_about(const struct discovery *d, const char *region, const char *profile);
const struct discovered_vpc *discovery_find(const struct discovery *d, const char *id); /* NULL: no such VPC */

/*
 * Notes why the reply of that name is missing: the credentials lack the permission, or the error. Only the first reason
 * of each name is kept.
 */
void discovery_note_missing(cJSON *missing, const char *name, const char *permission, const struct error *err);

/* The text of discover/status. */
int discovery_write_status(const struct discovery *d, struct buf *out);

/*
 * The IDs of the VPCs whose DNS attributes should be read, at most `most`, since each takes two calls. First the VPC
 * with the ID `wanted` ("": none), then those that fit as far as is known, beginning with the default VPC, then the
 * others. The caller deletes the array; NULL without memory.
 */
cJSON *discovery_attribute_order(const struct discovery_facts *f, const char *wanted, size_t most);
#define DISCOVERY_ATTRIBUTES_MOST 20 /* TEXT_UNREAD has this number */

#endif
