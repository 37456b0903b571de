/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launcher.h - the entry point of the server's container.
 *
 *	vast-lambda-runtime serve [--lock=FILE] [--environment=NAME=VALUE,...] -- COMMAND
 *
 * The launcher sets the variables, takes the lock (lock.h), starts the watcher (watcher.h) and then replaces itself
 * with /bin/sh -c COMMAND. The command therefore keeps the launcher's process ID, which is 1 in a container. While
 * another server has the lock, the launcher prints a line every 10 s and exits at once on SIGTERM. Without --lock there
 * is no watcher. The launcher has one thread.
 */
#ifndef VAST_RUNTIME_LAUNCHER_H
#define VAST_RUNTIME_LAUNCHER_H

/*
 * argc and argv are the arguments after `serve`; argv's strings may be modified and become part of the environment.
 * Returns only if the command was not started. The result is the exit status: 125 for a failure of the launcher, 126
 * and 127 as in shells if /bin/sh cannot be executed, and 128 + n after signal n.
 */
int launcher_run(int argc, char **argv);

#endif
