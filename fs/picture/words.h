/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - the texts and figures that more than one picture shows. Pure.
 */
#ifndef VASTFS_FS_PICTURE_WORDS_H
#define VASTFS_FS_PICTURE_WORDS_H

#include "fs/picture/picture.h"

#define WORDS_SIZE 128

/*
 * How old the information is: "up to date", or the time of the last contact, which stays the same until the next one.
 * So no picture changes only because time passes, except once, when it is no longer up to date.
 */
const char *words_age(const struct picture *p, char out[static WORDS_SIZE]);
void words_put_origin(const struct picture *p, struct buf *out); /* markup: the stage, and how old the information is */
const char *words_time(int64_t wall_ms, char out[static WORDS_SIZE]); /* "2026-11-23 21:40:00 UTC" */
/* A setting in force, "" if there is none. */
const char *words_setting(const struct picture *p, enum setting key);

unsigned words_live_tasks(const struct picture *p);
unsigned words_in_flight(const struct job_list *l); /* queued or running */

/*
 * How long a job has been running, or ran: "0:01:12", of the same width for ten hours. "" if it has not started, and
 * while it runs in a picture without the time.
 */
const char *words_elapsed(const struct picture *p, const struct job_view *v, char out[static WORDS_SIZE]);

#endif
