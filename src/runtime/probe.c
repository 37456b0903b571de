/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define PROBE_TIME_MS	    1500
#define PROBE_ADDRESSES_MAX 32
#define PROBE_BAD_USAGE	    125

union probe_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct probe {
	union probe_address addresses[PROBE_ADDRESSES_MAX];
	size_t count;
};

static void probe_add(struct probe *probe, const struct sockaddr *address)
{
	union probe_address *added = &probe->addresses[probe->count];

	if (!address || probe->count == PROBE_ADDRESSES_MAX)
		return;
	if (address->sa_family == AF_INET)
		memcpy(&added->v4, address, sizeof(added->v4));
	else if (address->sa_family == AF_INET6)
		memcpy(&added->v6, address, sizeof(added->v6));
	else
		return;
	probe->count++;
}

static void probe_add_text(struct probe *probe, const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		probe_add(probe, (struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		probe_add(probe, (struct sockaddr *)&v6);
}

static void probe_add_interfaces(struct probe *probe)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		probe_add(probe, i->ifa_addr);
	freeifaddrs(list);
}

static void probe_collect(struct probe *probe)
{
	probe->count = 0;
	probe_add_text(probe, "127.0.0.1");
	probe_add_text(probe, "::1");
	probe_add_interfaces(probe);
}

/*
 * Starts a connection. Returns its socket, or -1 if it was refused at once. Sets *ret_open if it is already
 * established.
 */
static int probe_connect(union probe_address *address, unsigned short port, bool *ret_open)
{
	bool v6 = address->any.sa_family == AF_INET6;
	socklen_t size = v6 ? sizeof(address->v6) : sizeof(address->v4);
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (v6)
		address->v6.sin6_port = htons(port);
	else
		address->v4.sin_port = htons(port);
	if (connect(fd, &address->any, size) == 0)
		*ret_open = true;
	else if (errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool probe_is_connected(int fd)
{
	socklen_t size = sizeof(int);
	int err = -1;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 && err == 0;
}

/* Checks the sockets that are ready. Returns the number of pending connections, or -1 if one is established. */
static int probe_look(struct pollfd *fds, size_t count)
{
	int left = 0;

	for (size_t i = 0; i < count; i++) {
		if (fds[i].fd >= 0 && fds[i].revents) {
			if (probe_is_connected(fds[i].fd))
				return -1;
			close(fds[i].fd);
			fds[i].fd = -1;
		}
		left += fds[i].fd >= 0;
	}
	return left;
}

static bool probe_answers(struct probe *probe, unsigned short port)
{
	struct pollfd fds[PROBE_ADDRESSES_MAX];
	int64_t end = clock_now_ms() + PROBE_TIME_MS, now;
	bool open = false;
	int left = 0;

	for (size_t i = 0; i < probe->count && !open; i++) {
		fds[i] = (struct pollfd){.fd = probe_connect(&probe->addresses[i], port, &open), .events = POLLOUT};
		left += fds[i].fd >= 0;
	}
	while (!open && left > 0 && (now = clock_now_ms()) < end) {
		if (poll(fds, probe->count, (int)(end - now)) > 0)
			left = probe_look(fds, probe->count);
		open = left < 0;
	}
	return open;
}

int probe_run(int argc, char **argv)
{
	static struct probe probe;
	char *end = NULL;
	long port = argc == 1 ? strtol(argv[0], &end, 10) : 0;

	if (port < 1 || port > 65535 || *end) {
		log_say("probe: expected one port from 1 to 65535");
		return PROBE_BAD_USAGE;
	}
	probe_collect(&probe);
	return probe_answers(&probe, (unsigned short)port) ? EXIT_SUCCESS : EXIT_FAILURE;
}
