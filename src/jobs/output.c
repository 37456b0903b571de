/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/output.h"

#include "base/buf.h"
#include "base/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct output {
	struct ref ref;
	char *directory;
	uint64_t limit;
	_Atomic uint64_t size; /* increased after the bytes have been written */
	pthread_mutex_t lock;  /* guards the following members; a file is never closed before the end */
	struct buf memory;
	int fd; /* -1: all bytes are in memory */
};

struct output *output_new(const char *directory, uint64_t limit)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	ref_init(&o->ref);
	o->fd = -1;
	o->limit = limit;
	buf_init(&o->memory, OUTPUT_MEMORY_MAX);
	pthread_mutex_init(&o->lock, NULL);
	o->directory = strdup(directory);
	if (o->directory)
		return o;
	output_unref(o);
	return NULL;
}

struct output *output_ref(struct output *o)
{
	if (o)
		ref_get(&o->ref);
	return o;
}

void output_unref(struct output *o)
{
	if (!o || !ref_put(&o->ref))
		return;
	if (o->fd >= 0)
		close(o->fd);
	buf_free(&o->memory);
	pthread_mutex_destroy(&o->lock);
	free(o->directory);
	free(o);
}

/* Some file systems do not support O_TMPFILE. */
static int output_open_nameless(const char *directory)
{
	_free_ char *path = NULL;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (asprintf(&path, "%s/output.XXXXXX", directory) < 0)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* A file over the size limit of the process is reported like a full disk. */
static int output_disk_errno(int e)
{
	return e == EFBIG ? -ENOSPC : -e;
}

static int output_write_at(int fd, const char *data, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? output_disk_errno(errno) : -ENOSPC;
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* Moves the bytes to a file; readers use the memory until the file is complete. */
static int output_spill(struct output *o)
{
	int fd = output_open_nameless(o->directory), r;

	if (fd < 0)
		return fd;
	r = output_write_at(fd, buf_str(&o->memory), o->memory.len, 0);
	if (r < 0) {
		close(fd);
		return r;
	}
	pthread_mutex_lock(&o->lock);
	o->fd = fd;
	buf_free(&o->memory);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

static int output_append_memory(struct output *o, const void *data, size_t len)
{
	int r;

	pthread_mutex_lock(&o->lock);
	r = buf_append(&o->memory, data, len);
	pthread_mutex_unlock(&o->lock);
	return r;
}

int output_append(struct output *o, const void *data, size_t len)
{
	uint64_t size = atomic_load(&o->size);
	int r = 0;

	if (len > o->limit - size)
		return -EFBIG;
	if (o->fd < 0 && size + len > OUTPUT_MEMORY_MAX)
		r = output_spill(o);
	if (r == 0)
		r = o->fd < 0 ? output_append_memory(o, data, len) : output_write_at(o->fd, data, len, size);
	if (r == 0)
		atomic_store(&o->size, size + len);
	return r;
}

uint64_t output_size(const struct output *o)
{
	return o ? atomic_load(&o->size) : 0;
}

uint64_t output_disk_size(struct output *o)
{
	bool on_disk;

	if (!o)
		return 0;
	pthread_mutex_lock(&o->lock);
	on_disk = o->fd >= 0;
	pthread_mutex_unlock(&o->lock);
	return on_disk ? output_size(o) : 0;
}

static ssize_t output_read_at(int fd, uint64_t offset, char *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* the file was truncated by another process */
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t output_read(struct output *o, uint64_t offset, void *out, size_t len)
{
	uint64_t size = atomic_load(&o->size), left = offset < size ? size - offset : 0;
	int fd;

	if (len > left)
		len = (size_t)left;
	if (!len)
		return 0;
	pthread_mutex_lock(&o->lock);
	fd = o->fd;
	if (fd < 0)
		memcpy(out, o->memory.data + offset, len);
	pthread_mutex_unlock(&o->lock);
	return fd < 0 ? (ssize_t)len : output_read_at(fd, offset, out, len);
}
