/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * authenticate.h - authentication against a registry: answers the challenges of a 401 reply. For registry.c only.
 */
#ifndef VASTFS_IMAGE_AUTHENTICATE_H
#define VASTFS_IMAGE_AUTHENTICATE_H

#include "image/registry.h"

/*
 * Answers the first challenge of the list that vastfs can answer, and leaves the rest in *challenges, because some
 * registries refuse the credentials of their own first challenge. 1: r->authorization has been set; 0: vastfs can
 * answer none of the challenges; negative errno with err set: an answer that should have worked failed, and no other
 * challenge could be answered. Sleeps, so the engine's thread must not call it.
 */
int registry_authenticate(struct registry *r, const char **challenges, struct error *err);

#endif
