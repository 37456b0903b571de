/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xml_repair.h - inside the room: XML that no parser takes, for its texts hold what XML 1.0 cannot say.
 *
 * A reason that AWS repeats from a resource or from a user may hold control characters or bytes that are no UTF-8.
 * Pure. Source: XML 1.0, section 2.2, "Characters".
 */
#ifndef VASTFS_AWS_XML_REPAIR_H
#define VASTFS_AWS_XML_REPAIR_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Appends the document with \xNN in place of such bytes and of references to such characters (&#1;). True if there
 * were some; false also without memory.
 */
bool aws_xml_repair(const char *text, size_t len, struct buf *out);

#endif
