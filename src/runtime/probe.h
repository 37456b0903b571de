/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.h - the health check of the server's container: it tests whether the server's port accepts connections.
 *
 *	vast-lambda-runtime probe PORT
 *
 * The probe connects at once to all addresses at which the server may listen: 127.0.0.1, ::1, and the addresses of the
 * container's network interfaces. It closes an accepted connection without sending a byte. The probe has one thread.
 */
#ifndef VAST_RUNTIME_PROBE_H
#define VAST_RUNTIME_PROBE_H

/*
 * argc and argv are the arguments after `probe`. Returns the exit status within 2 s: 0 if a connection was accepted, 1
 * if not, and 125 for invalid arguments.
 */
int probe_run(int argc, char **argv);

#endif
