/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.h - joining the pages of a reply.
 */
#ifndef VASTFS_AWS_PAGE_H
#define VASTFS_AWS_PAGE_H

#include "aws/aws.h"

/* The token of the page behind this one, or "". */
const char *aws_page_next(const struct aws_paging *p, const cJSON *page);

/* Cuts whole's list down to what is allowed. True if it was longer. */
bool aws_page_bound(const struct aws_paging *p, cJSON *whole);

/* Moves the entries of page's list to the end of whole's. -ENOMEM, -EBADMSG if there is no place for the list. */
int aws_page_join(const struct aws_paging *p, cJSON *whole, cJSON *page);

#endif
