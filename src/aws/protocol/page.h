/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.h - joins the pages of a reply. Pure.
 */
#ifndef VASTFS_AWS_PAGE_H
#define VASTFS_AWS_PAGE_H

#include "aws/aws.h"

/* The token of the next page, or "". */
const char *aws_page_next(const struct aws_paging *p, const cJSON *page);

/* Truncates the list of whole to the number of entries allowed. True if it was longer. */
bool aws_page_bound(const struct aws_paging *p, cJSON *whole);

/* Moves the entries of the list in page to the end of the list in whole. -ENOMEM; -EBADMSG: whole has no place for it.
 */
int aws_page_join(const struct aws_paging *p, cJSON *whole, cJSON *page);

#endif
