/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sniff.h - recognizes programs that open every file to guess its type or to index it. Such a program must not wait for
 * a job. The functions keep no state; those with a tid read /proc.
 */
#ifndef VASTFS_FS_SNIFF_H
#define VASTFS_FS_SNIFF_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Returns whether the thread runs a cat. The cat of uutils and busybox reads with splice(2) and sendfile(2), which read
 * nothing from a file of size 0, such as a waiting file. GNU cat reads a file of any size correctly.
 */
bool sniff_is_splicing_cat(pid_t tid);
/* Returns whether the thread runs a shell, which opens files for other programs (cat < result). */
bool sniff_is_shell(pid_t tid);
/* Returns whether the thread runs a touch, GNU's or another. */
bool sniff_is_touch(pid_t tid);
/* command: the content of /proc/PID/cmdline; a NUL follows it */
bool sniff_command_is(const char *command, size_t len, const char *wanted);

/* Compares the base name of the thread's executable. A program whose executable cannot be read is no sniffer. */
bool sniff_is_sniffer(pid_t tid);
bool sniff_is_listed(const char *program);

#endif
