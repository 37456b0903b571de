/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * supervisor.h - notifies systemd that the tree answers requests, for a unit with Type=notify. The protocol is one
 * datagram to the socket in NOTIFY_SOCKET, as sd_notify(3) describes it under "Notes"; libsystemd would cost more
 * memory than the rest of vastfs's libraries.
 */
#ifndef VASTFS_SUPERVISOR_H
#define VASTFS_SUPERVISOR_H

/*
 * Removes the address of the supervisor's socket from the environment, so that no child process can send messages in
 * the name of vastfs, and returns the address. The caller owns it. NULL: no supervisor waits, or there is no memory.
 * Call it before there are threads, which might read the environment.
 */
char *supervisor_take(void);

/* Sends READY=1. supervisor may be NULL. A message that cannot be sent is logged. Any thread. */
void supervisor_report_ready(const char *supervisor);

#endif
