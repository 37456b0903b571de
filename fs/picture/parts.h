/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts.h - decides what is known of each part of the stack that a picture shows: its state, its ID in AWS and a
 * detail. Pure.
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
	const char *word;      /* the state for people, at most 10 characters */
	const char *id;	       /* "" if there is none; lives as long as the picture */
	char detail[128];      /* "" if there is none */
	const char *condition; /* the full explanation of AWS, "" if there is none */
};

struct part part_of_vpc(const struct picture *p);
struct part part_of_public_subnet(const struct picture *p);
struct part part_of_private_subnet(const struct picture *p);
struct part part_of_nat(const struct picture *p);
struct part part_of_server(const struct picture *p);
struct part part_of_function(const struct picture *p);
struct part part_of_storage(const struct picture *p);
struct part part_of_repository(const struct picture *p);

/* The state of a task, or of a resource by CloudFormation's status; word may be NULL. */
enum part_state part_task_state(const struct snapshot *s, const struct task *t, const char **ret_word);
enum part_state part_resource_state(const char *status, const char **ret_word);

#endif
