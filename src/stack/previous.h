/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * previous.h - the image that was deployed before the present one: what `echo previous > control/deploy` goes back to.
 *
 * It is written down in tags of the image repository, where every machine finds it; the repository keeps that image
 * (images.h). All run on the operation thread and return 0 or a negative errno with a message.
 */
#ifndef VASTFS_STACK_PREVIOUS_H
#define VASTFS_STACK_PREVIOUS_H

#include "stack/operation.h"

struct previous {
	char digest[80];       /* "" if none was deployed before */
	char architecture[16]; /* of it */
	char base[256];	       /* the value of vast_image that it was assembled from */
};

/* A value of the operation's memory: "digest architecture base". False, and an empty one, if it is not that. */
bool previous_parse(const char *text, struct previous *ret);

int previous_read(struct operation *op, struct previous *ret, struct error *err);

/* Before a deploy changes anything: has the operation remember what is deployed. */
int previous_note(struct operation *op, struct error *err);
/* After it has succeeded: if the image is another one now, the remembered one is the previous. Never fails a deploy. */
int previous_store(struct operation *op, struct error *err);

/* Whether the operation is to go back; then image_ensure builds nothing and calls previous_choose. */
bool previous_is_asked_for(const struct operation *op);
int previous_choose(struct operation *op, struct error *err);

#endif
