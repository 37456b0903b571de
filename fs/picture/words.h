/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - the texts and figures that more than one picture shows. Pure.
 */
#ifndef VASTFS_FS_PICTURE_WORDS_H
#define VASTFS_FS_PICTURE_WORDS_H

#include "fs/picture/picture.h"

#define WORDS_SIZE 128

/*
 * Writes how old the information is: "up to date", or the time of the last contact with AWS. A time that does not
 * change until the next contact is shown instead of an age, so a picture changes only once because time passes: when it
 * is no longer up to date.
 */
const char *words_age(const struct picture *p, char out[static WORDS_SIZE]);
void words_put_origin(const struct picture *p,
		      struct buf *out); /* appends the stage and the age of the information, as markup */
const char *words_time(int64_t wall_ms, char out[static WORDS_SIZE]); /* writes a time: "2026-11-23 21:40:00 UTC" */
/* A setting in force, "" if there is none. */
const char *words_setting(const struct picture *p, enum setting key);

unsigned words_live_tasks(const struct picture *p);
unsigned words_in_flight(const struct job_list *l); /* the number of jobs that are queued or running */

/*
 * Writes the duration of a job, "0:01:12", which has the same width for the first ten hours. "" if the job has not
 * started, or if it is running and the picture has no time.
 */
const char *words_elapsed(const struct picture *p, const struct job_view *v, char out[static WORDS_SIZE]);

#endif
