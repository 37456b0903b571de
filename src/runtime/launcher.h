/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launcher.h - the entry point of the server's container.
 *
 *	vast-lambda-runtime serve [--lock=FILE] [--environment=NAME=VALUE,...] -- COMMAND
 *
 * Sets the variables, takes the lock (lock.h), starts the watcher beside it (watcher.h) and becomes
 * /bin/sh -c COMMAND, as the process that it is: in a container number 1. While another server has the lock it prints a
 * line every 10 s, and exits at once on SIGTERM. Without --lock there is no watcher.
 */
#ifndef VAST_RUNTIME_LAUNCHER_H
#define VAST_RUNTIME_LAUNCHER_H

/* The arguments after `serve`. Returns only if the command was not started, with the exit status: 125 for a failure of
 * the launcher, 126 and 127 as in shells if /bin/sh cannot be executed, 128 + n after signal n. */
int launcher_run(int argc, char **argv);

#endif
