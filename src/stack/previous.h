/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * previous.h - the image that was deployed before the current one, for `echo previous > control/deploy`.
 *
 * It is recorded in tags of the image repository, where every machine finds it; the repository keeps that image
 * (images.h). All functions but previous_parse run on the operation thread and return 0 or a negative errno with a
 * message.
 */
#ifndef VASTFS_STACK_PREVIOUS_H
#define VASTFS_STACK_PREVIOUS_H

#include "stack/operation.h"

struct previous {
	char digest[80];       /* "" if none was deployed before */
	char architecture[16]; /* architecture of that image */
	char base[256];	       /* the value of vast_image that it was assembled from */
};

/*
 * Parses a value of the operation's memory: "digest architecture base". False, with *ret empty, if the text has another
 * form. Pure.
 */
bool previous_parse(const char *text, struct previous *ret);

int previous_read(struct operation *op, struct previous *ret, struct error *err);

/* A deploy calls this before it changes anything: the operation remembers the deployed image. */
int previous_note(struct operation *op, struct error *err);
/*
 * A deploy calls this after it has succeeded: if it changed the image, the remembered one is recorded as the previous
 * image. A failure is only logged.
 */
int previous_store(struct operation *op, struct error *err);

/* Whether the operation deploys the previous image; image_ensure then builds nothing and calls previous_choose. */
bool previous_is_asked_for(const struct operation *op);
int previous_choose(struct operation *op, struct error *err);

#endif
