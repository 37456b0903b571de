/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape.h - checks that a reply contains the members that its call needs. Pure.
 *
 * Code that reads replies treats an absent member as "none" or zero. This check makes that safe: a reply in which a
 * list, an ID or a number is missing or has another type is refused as a whole, and the message names the member.
 *
 * The rows are in the service files beside their calls. Members that AWS may omit are marked as optional; the source is
 * botocore's models and, where the models are silent, the replies of the services.
 */
#ifndef VASTFS_AWS_SHAPE_H
#define VASTFS_AWS_SHAPE_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

enum aws_type {
	AWS_OBJECT = 1,
	AWS_LIST,
	AWS_ENTRIES, /* a list that is not empty: the request named its entries */
	AWS_STRING,  /* not empty, unless optional */
	AWS_NUMBER,  /* text with a number is accepted, for XML */
	AWS_TIME,    /* seconds since 1970 as a number, of the years 1970 to 9999 */
	AWS_BOOL,    /* "true" and "false" are accepted, for XML */
	AWS_COUNT,   /* an integer from 0 to 2^53, also as text */
	AWS_TEXT,    /* a string that may be empty */
};

#define AWS_OPTIONAL 0x100 /* absent and null are fine */

struct aws_member {
	const char *path; /* dots descend, * stands for each entry of a list: "tasks.*.taskArn" */
	int type;	  /* an aws_type, optionally | AWS_OPTIONAL */
};

/* A service file's table: AWS_SHAPE(name, {"Stacks", AWS_ENTRIES}, ...). Ends with an empty row. */
#define AWS_SHAPE(name, ...) static const struct aws_member name[] = {__VA_ARGS__, {NULL, 0}}

/*
 * 0, or -ENOMSG with the member named in err->message ("taskArns is null where a list is expected"). Members below
 * an absent one are not checked. body NULL: an empty reply.
 */
int aws_shape_check(const struct aws_member *members, const cJSON *body, struct error *err);

/* A member of the reply that repeats a parameter of the request: the name or ARN of what the request is about. */
struct aws_echo {
	const char *path;      /* of the member, as in struct aws_member */
	const char *parameter; /* its value is a string, or a list of strings of which the member repeats one */
};

/* A service file's table: AWS_ECHOES(name, {"Stacks.*.StackId", "StackName"}, ...). Ends with an empty row. */
#define AWS_ECHOES(name, ...) static const struct aws_echo name[] = {__VA_ARGS__, {NULL, NULL}}

/*
 * 0, or -ENOMSG if the reply is about something else than the request, as after a proxy has mixed up two replies. An
 * ARN repeats a name that is its resource: "arn:aws:cloudformation:eu-west-1:1:stack/a/0" repeats "a". That of an ECS
 * task also repeats the task's ID. Absent members and parameters are not checked.
 */
int aws_echo_check(const struct aws_echo *echoes, const cJSON *params, const cJSON *body, struct error *err);

#endif
