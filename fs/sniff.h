/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sniff.h - programs that open every file to guess its type or to index it: they must not wait for a job.
 */
#ifndef VASTFS_FS_SNIFF_H
#define VASTFS_FS_SNIFF_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether it is the cat of uutils or busybox: these read by splice(2) and sendfile(2), which take nothing from a file
 * whose size is 0, as that of a waiting one is. GNU cat does not.
 */
bool sniff_is_splicing_cat(pid_t tid);
bool sniff_command_is_cat(const char *command, size_t len); /* /proc/PID/cmdline; a NUL follows */

/* By the base name of the thread's executable; one that cannot be read is no sniffer. */
bool sniff_is_sniffer(pid_t tid);
bool sniff_is_listed(const char *program);

#endif
