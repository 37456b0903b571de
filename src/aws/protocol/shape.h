/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape.h - what a reply must contain, described by its call and checked where the reply enters.
 *
 * Code that reads replies treats what is absent as "none" or zero. This check makes that safe: a reply in which a
 * list, an ID or a number is missing or is of another type is refused as a whole, with the member's name. Pure.
 *
 * The rows stand in the service files beside their calls. What AWS may leave out is marked as optional; the source is
 * botocore's models and, where these do not tell, what the services send.
 */
#ifndef VASTFS_AWS_SHAPE_H
#define VASTFS_AWS_SHAPE_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

enum aws_type {
	AWS_OBJECT = 1,
	AWS_LIST,
	AWS_ENTRIES, /* a list that is not empty: what was asked for by name */
	AWS_STRING,  /* not empty where it is required */
	AWS_NUMBER,  /* text that is a number counts, for XML */
	AWS_TIME,    /* seconds since 1970 as a number, of the years 1970 to 9999 */
	AWS_BOOL,    /* "true" and "false" count, for XML */
};

#define AWS_OPTIONAL 0x100 /* absent and null are fine */

struct aws_member {
	const char *path; /* dots descend, * stands for each entry of a list: "tasks.*.taskArn" */
	int type;	  /* an aws_type, perhaps | AWS_OPTIONAL */
};

/* A service file's table: AWS_SHAPE(name, {"Stacks", AWS_ENTRIES}, ...). Ends with an empty row. */
#define AWS_SHAPE(name, ...) static const struct aws_member name[] = {__VA_ARGS__, {NULL, 0}}

/*
 * 0, or -ENOMSG with the member named in err->message ("taskArns is null where a list is expected"). Members below
 * one that is absent or wrong are not looked at. body NULL: an empty reply.
 */
int aws_shape_check(const struct aws_member *members, const cJSON *body, struct error *err);

#endif
