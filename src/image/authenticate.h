/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * authenticate.h - inside the room: meeting what a registry demands before it answers.
 */
#ifndef VASTFS_IMAGE_AUTHENTICATE_H
#define VASTFS_IMAGE_AUTHENTICATE_H

#include "image/registry.h"

/*
 * Meets the first challenge of the list that can be met, and leaves the rest in *challenges for a registry that refuses
 * what it has asked for. 1: r->authorization has been set; 0: none can be met; negative errno with words: one that
 * should have worked failed, and no other could be met. Sleeps.
 */
int registry_authenticate(struct registry *r, const char **challenges, struct error *err);

#endif
