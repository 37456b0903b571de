/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - the protocol between `vastfs shell` and the daemon of the mount.
 *
 * Transport is a local packet socket (SOCK_SEQPACKET) with an abstract name made of the owner and the device number of
 * the mount, so no socket file can be left behind. Both sides check the user at the other end (SO_PEERCRED): the daemon
 * serves only its own user, the client trusts only the owner of the mount. A packet is a letter (enum shell_packet) and
 * its data.
 */
#ifndef VASTFS_SHELL_PROTOCOL_H
#define VASTFS_SHELL_PROTOCOL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/un.h>

#define SHELL_PACKET_MAX ((size_t)16 << 10)

enum shell_packet {
	/* From the client. */
	SHELL_OPEN = 'o',  /* struct shell_open, then a task ID or a prefix of one; the first packet */
	SHELL_INPUT = 'i', /* keystrokes, or a part of the script */
	SHELL_END = 'e',   /* end of the script */
	SHELL_SIZE = 's',  /* struct shell_size */
	/* From the daemon. */
	SHELL_WAITING = 'W', /* message: why the shell has not started yet */
	SHELL_READY = 'R',   /* the task ID: input is accepted */
	SHELL_OUTPUT = 'O',
	SHELL_ERRORS = 'E',
	SHELL_EXIT = 'X',   /* int32_t, the exit status of the shell; the last packet */
	SHELL_FAILED = 'F', /* message: why there is no exit status; the last packet */
};

struct shell_size {
	uint16_t columns, rows;
};

struct shell_open {
	uint8_t version; /* version of this protocol: 1 */
	uint8_t is_terminal;
	struct shell_size size;
};

#define SHELL_VERSION 1

/* Sets the address of the mount with this owner and device number. Returns its length. */
static inline socklen_t shell_address(uid_t uid, dev_t device, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "vastfs/%u/%u:%u", (unsigned)uid, major(device),
		     minor(device));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* The user at the other end; (uid_t)-1 if unknown. */
static inline uid_t shell_peer(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.uid : (uid_t)-1;
}

#endif
