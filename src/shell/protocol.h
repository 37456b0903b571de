/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocol.h - what `vastfs shell` and the vastfs that has mounted say to each other.
 *
 * A local socket of packets (SOCK_SEQPACKET) under an abstract name that follows from the owner and the device number
 * of the mount, so there is no file to be left behind or to be looked for. Each side asks the kernel who the other is
 * (SO_PEERCRED): the daemon serves its own user only, the client trusts the mount's owner only. A packet is a letter
 * and its text.
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
	SHELL_OPEN = 'o',  /* struct shell_open, then the task's id or prefix; the first */
	SHELL_INPUT = 'i', /* keystrokes, or a part of the script */
	SHELL_END = 'e',   /* of the script */
	SHELL_SIZE = 's',  /* struct shell_size */
	/* From the daemon. */
	SHELL_WAITING = 'W', /* why it does not begin yet, for people */
	SHELL_READY = 'R',   /* the task's id: input is taken */
	SHELL_OUTPUT = 'O',
	SHELL_ERRORS = 'E',
	SHELL_EXIT = 'X',   /* int32_t, the shell's status; the last */
	SHELL_FAILED = 'F', /* why there is no status, for people; the last */
};

struct shell_size {
	uint16_t columns, rows;
};

struct shell_open {
	uint8_t version; /* of this protocol: 1 */
	uint8_t is_terminal;
	struct shell_size size;
};

#define SHELL_VERSION 1

/* The address of the mount on that device, of that user; its length. */
static inline socklen_t shell_address(uid_t uid, dev_t device, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "vastfs/%u/%u:%u", (unsigned)uid, major(device),
		     minor(device));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Who holds the other end; (uid_t)-1 if that cannot be known. */
static inline uid_t shell_peer(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.uid : (uid_t)-1;
}

#endif
