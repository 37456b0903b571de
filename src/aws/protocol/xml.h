/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xml.h - parses an XML reply into the same tree as JSON. Pure.
 *
 * Elements become members of objects, text becomes strings, attributes are dropped. An element whose children are all
 * called <member> or <item> becomes an array, and so do siblings of one name. An empty element is an empty array
 * if its name is that of a list (it ends in Set or in a plural s), else "". Entities and document types are refused,
 * depth and number of elements are bounded.
 */
#ifndef VASTFS_AWS_XML_H
#define VASTFS_AWS_XML_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* An object with the root element as its member. 0, -EBADMSG, -EFBIG, -ENOMEM. */
int aws_xml_parse(const char *text, size_t len, cJSON **ret);

#endif
