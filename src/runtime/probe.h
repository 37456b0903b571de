/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.h - the health check of the server's container: does its port accept connections?
 *
 *	vast-lambda-runtime probe PORT
 *
 * Tries all addresses at which the server may listen at once: 127.0.0.1, ::1, and those of the container's network
 * interfaces. A connection that is accepted is closed without a byte.
 */
#ifndef VAST_RUNTIME_PROBE_H
#define VAST_RUNTIME_PROBE_H

/* The arguments after `probe`. Returns the exit status within 2 s: 0 accepted, 1 not accepted, 125 wrong arguments. */
int probe_run(int argc, char **argv);

#endif
