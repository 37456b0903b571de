/* SPDX-License-Identifier: BSD-3-Clause */
#include "shell/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_raw, changed;

void terminal_give_back(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_raw = 0;
}

/* tcsetattr is safe in a signal handler (signal-safety(7)). TCSANOW: do not wait until pending output is read. */
static void terminal_on_end(int number)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	_exit(128 + number);
}

static void terminal_on_resize(int number)
{
	(void)number;
	changed = 1;
}

static void terminal_catch_signals(void)
{
	static const int ends[] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT};
	struct sigaction action = {.sa_handler = terminal_on_end};
	sigset_t window;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	action.sa_handler = terminal_on_resize;
	sigaction(SIGWINCH, &action, NULL);
	sigemptyset(&window);
	sigaddset(&window, SIGWINCH);
	sigprocmask(SIG_BLOCK, &window, NULL);
}

bool terminal_take(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	terminal_catch_signals();
	raw = before;
	cfmakeraw(&raw);
	is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0)
		return true;
	is_raw = 0;
	return false;
}

struct shell_size terminal_size(void)
{
	struct winsize w;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		return (struct shell_size){80, 24};
	return (struct shell_size){w.ws_col, w.ws_row};
}

bool terminal_has_changed(void)
{
	bool was = changed;

	changed = 0;
	return was;
}
