/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * light.h - decides what the traffic light shows: the one state that matters most to a person, as a lamp, a word and a
 * sentence. Pure.
 */
#ifndef VASTFS_FS_PICTURE_LIGHT_H
#define VASTFS_FS_PICTURE_LIGHT_H

#include "fs/picture/picture.h"

enum lamp {
	LAMP_OFF,   /* nothing is deployed, or nothing is known yet */
	LAMP_GREEN, /* all is as it should be */
	LAMP_AMBER, /* something is under way, or ends by itself */
	LAMP_RED,   /* a person has to act */
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
