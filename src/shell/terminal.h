/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * terminal.h - the terminal of this process in raw mode, and back.
 */
#ifndef VASTFS_SHELL_TERMINAL_H
#define VASTFS_SHELL_TERMINAL_H

#include "shell/protocol.h"

#include <stdbool.h>

/*
 * Raw mode for standard input, if it is a terminal. SIGHUP, SIGTERM, SIGINT and SIGQUIT put the old mode back and end
 * the process with 128 + the signal's number.
 */
bool terminal_take(void);
void terminal_give_back(void);

/* 80x24 if nobody says. */
struct shell_size terminal_size(void);

/* Whether the size may have changed since this was asked last. SIGWINCH is blocked but in ppoll with the empty mask. */
bool terminal_has_changed(void);

#endif
