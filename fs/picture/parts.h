/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts.h - determines the state, the AWS ID and a detail of each part of the stack that a picture shows. Pure.
 */
#ifndef VASTFS_FS_PICTURE_PARTS_H
#define VASTFS_FS_PICTURE_PARTS_H

#include "fs/picture/picture.h"

enum part_state {
	PART_UNKNOWN, /* AWS has not answered yet */
	PART_MISSING, /* does not exist, or is not used */
	PART_READY,
	PART_BUSY, /* is being created, changed or deleted, or is starting or stopping */
	PART_FAILED,
	PART_STATES,
};

struct part {
	enum part_state state;
	const char *word;      /* the state as shown to users, at most 10 characters */
	const char *id;	       /* "" if there is none; lives as long as the picture */
	char detail[128];      /* "" if there is none */
	const char *condition; /* AWS's full explanation of the state, "" if there is none */
};

struct part part_of_vpc(const struct picture *p);
struct part part_of_public_subnet(const struct picture *p);
struct part part_of_private_subnet(const struct picture *p);
struct part part_of_nat(const struct picture *p);
struct part part_of_server(const struct picture *p);
struct part part_of_function(const struct picture *p);
struct part part_of_storage(const struct picture *p);
struct part part_of_repository(const struct picture *p);

/* Return the state of a task, and the state of a resource by its status in CloudFormation. word may be NULL. */
enum part_state part_task_state(const struct snapshot *s, const struct task *t, const char **ret_word);
enum part_state part_resource_state(const char *status, const char **ret_word);

#endif
