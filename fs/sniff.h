/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sniff.h - programs that open every file to guess its type or to index it: they must not wait for a job.
 */
#ifndef VASTFS_FS_SNIFF_H
#define VASTFS_FS_SNIFF_H

#include <stdbool.h>
#include <sys/types.h>

/* By the base name of the thread's executable; one that cannot be read is no sniffer. */
bool sniff_is_sniffer(pid_t tid);
bool sniff_is_listed(const char *program);

#endif
