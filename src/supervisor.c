/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int supervisor_send(const char *path, const char *message)
{
	_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (fd < 0)
		return -errno;
	if ((*path != '/' && *path != '@') || len >= sizeof(to.sun_path))
		return -EINVAL;
	memcpy(to.sun_path, path, len);
	if (*path == '@') /* an address in the abstract namespace starts with a NUL */
		to.sun_path[0] = '\0';
	if (sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return 0;
}

char *supervisor_take(void)
{
	const char *address = getenv("NOTIFY_SOCKET");
	char *copy = address && *address ? strdup(address) : NULL;

	unsetenv("NOTIFY_SOCKET");
	return copy;
}

void supervisor_report_ready(const char *supervisor)
{
	int r = supervisor ? supervisor_send(supervisor, "READY=1\n") : 0;

	if (r < 0)
		log_error("cannot notify systemd at %s that the mount is ready: %s", supervisor, strerror(-r));
}
