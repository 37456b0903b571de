/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * light.h - decides what the traffic light shows: the most important state for the user, as a lamp, a word and a
 * sentence. Pure.
 */
#ifndef VASTFS_FS_PICTURE_LIGHT_H
#define VASTFS_FS_PICTURE_LIGHT_H

#include "fs/picture/picture.h"

enum lamp {
	LAMP_OFF,   /* nothing is deployed, or nothing is known yet */
	LAMP_GREEN, /* the stack is deployed and nothing has failed */
	LAMP_AMBER, /* an operation is running, or the state will change by itself */
	LAMP_RED,   /* the user has to act */
};

struct light {
	enum lamp lamp;
	bool is_doubtful; /* an amber lamp that means "unknown" instead of "under way" */
	char word[24];	  /* at most 14 characters: "Running" */
	char sentence[sizeof(((struct error *)0)->message)];
	char remedy[sizeof(((struct error *)0)->remedy)]; /* "" if there is nothing to do */
};

void light_decide(const struct picture *p, struct light *ret);

#endif
