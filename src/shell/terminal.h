/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * terminal.h - sets the terminal of this process to raw mode and restores it. The state belongs to the process; one
 * thread uses it.
 */
#ifndef VASTFS_SHELL_TERMINAL_H
#define VASTFS_SHELL_TERMINAL_H

#include "shell/protocol.h"

#include <stdbool.h>

/*
 * Sets standard input to raw mode; false if it is no terminal. SIGHUP, SIGTERM, SIGINT and SIGQUIT restore the old mode
 * and end the process with status 128 + the number of the signal.
 */
bool terminal_take(void);
void terminal_give_back(void);

/* The size of the terminal; 80x24 if it is unknown. */
struct shell_size terminal_size(void);

/* Whether SIGWINCH arrived since the last call. SIGWINCH is blocked except in ppoll() with an empty mask. */
bool terminal_has_changed(void);

#endif
