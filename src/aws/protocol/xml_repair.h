/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xml_repair.h - repairs XML that parsers refuse because its text contains characters outside XML 1.0. For xml.c only.
 *
 * A message that AWS copies from a resource or a user may contain control characters or bytes that are not UTF-8.
 * Pure. Source: XML 1.0, section 2.2, "Characters".
 */
#ifndef VASTFS_AWS_XML_REPAIR_H
#define VASTFS_AWS_XML_REPAIR_H

#include "base/buf.h"

/*
 * Appends the document with \xNN in place of such bytes and of references to such characters (&#1;). Returns 1 if there
 * was anything to repair, otherwise 0; -EFBIG; -ENOMEM.
 */
int aws_xml_repair(const char *text, size_t len, struct buf *out);

#endif
