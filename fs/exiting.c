/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/exiting.h"

#include "base/file.h"

#include <string.h>

#define PF_EXITING	0x4
#define SIGNAL_BITS	0x7f /* part of a wait status: the signal that ended the process */
#define FIELD_FLAGS	9
#define FIELD_EXIT_CODE 52

/* Returns field n of the line, which is counted from 1 as in proc(5). rest starts with field 3. */
static unsigned long exiting_field(const char *rest, int n)
{
	for (int i = 3; i < n && rest; i++) {
		rest = strchr(rest, ' ');
		rest = rest ? rest + 1 : NULL;
	}
	return rest ? strtoul(rest, NULL, 10) : 0;
}

enum exiting exiting_parse(const char *stat)
{
	const char *name_end = strrchr(stat, ')'); /* the name may contain any character */

	if (!name_end || !name_end[1])
		return EXITING_NOT;
	if (!(exiting_field(name_end + 2, FIELD_FLAGS) & PF_EXITING))
		return EXITING_NOT;
	return exiting_field(name_end + 2, FIELD_EXIT_CODE) & SIGNAL_BITS ? EXITING_KILLED : EXITING_BY_ITSELF;
}

enum exiting exiting_state(pid_t tid)
{
	_buf_ struct buf text = BUF_INIT(4096);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	return file_read(path, &text) < 0 ? EXITING_NOT : exiting_parse(buf_str(&text));
}

pid_t exiting_process_of(pid_t tid)
{
	_buf_ struct buf text = BUF_INIT(16384);
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	at = file_read(path, &text) == 0 ? strstr(buf_str(&text), "\nTgid:") : NULL;
	return at ? (pid_t)strtol(at + strlen("\nTgid:"), NULL, 10) : 0;
}
