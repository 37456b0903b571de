/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/spool.h"

#include "base/clock.h"
#include "base/crc32.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FORMAT_FILE    "format"
#define FORMAT_BEGINS  "vastfs spool "
#define FORMAT_VERSION 1
#define TEMPORARY      ".new-" /* the prefix of the names of files that are being written */
#define NAME_SIZE      64
#define TAIL_MAX       (3 * (BATCH_FACTS_MAX + BATCH_FOOTER_SIZE))
#define LEFT_ALONE     10 /* one tenth of the disk stays free */
#define COUNT_AGAIN_MS 1000

static const char *const suffixes[SPOOL_STATES] = {"batch", "sent", "rejected", "last-line"};

struct spool {
	char *dir;
	_Atomic uint64_t bytes;
	int64_t counted_ms; /* monotonic; the last time at which the files were counted */
	unsigned version;   /* version of the directory; 0: the directory does not exist yet */
};

/* -- names and errors ------------------------------------------------------------------------------------------ */

static void spool_name(const struct spool_file *f, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%010" PRIu64 "-%06" PRIu32 ".%s", f->import,
		 f->state == SPOOL_LAST_LINE ? 0 : f->index, suffixes[f->state]);
}

static void spool_path(const struct spool *s, const struct spool_file *f, const char *before,
		       char path[static PATH_MAX])
{
	char name[NAME_SIZE];

	spool_name(f, name);
	snprintf(path, PATH_MAX, "%s/%s%s", s->dir, before, name);
}

/* A file under another spelling of a name (1-1.batch) would be recovered, but not found again for its delivery. */
static bool spool_name_is(const struct spool_file *f, const char *name)
{
	char own[NAME_SIZE];

	spool_name(f, own);
	return strcmp(name, own) == 0;
}

static bool spool_parse_name(const char *name, struct spool_file *ret)
{
	char suffix[16];
	int end = 0;

	if (sscanf(name, "%" SCNu64 "-%" SCNu32 ".%15s%n", &ret->import, &ret->index, suffix, &end) != 3 || name[end])
		return false;
	for (unsigned i = 0; i < SPOOL_STATES; i++) {
		if (strcmp(suffix, suffixes[i]) == 0) {
			ret->state = (enum spool_state)i;
			return spool_name_is(ret, name);
		}
	}
	return false;
}

static int spool_failed(const struct spool *s, int r, const char *what, struct error *err)
{
	error_set(err, r, "cannot %s the spool %s: %s", what, s->dir, strerror(-r));
	if (r == -ENOSPC || r == -EDQUOT)
		error_remedy(err, "make room on its disk, or set XDG_STATE_HOME to a larger disk and mount again");
	else if (r == -EROFS)
		error_remedy(err, "make %s writable", s->dir);
	else if (r == -EACCES || r == -EPERM)
		error_remedy(err, "give the user who mounted the rights to read and write %s and its files", s->dir);
	return r;
}

int spool_check_version(const struct spool *s, struct error *err)
{
	if (s->version <= FORMAT_VERSION)
		return 0;
	error_set(err, -EPROTO,
		  "the spool %s has version %u, which a newer vastfs has written; this vastfs reads versions up to %d",
		  s->dir, s->version, FORMAT_VERSION);
	error_remedy(err, "mount with the newer vastfs until all events are delivered, or move the directory away");
	return -EPROTO;
}

uint64_t spool_bytes(const struct spool *s)
{
	return atomic_load(&s->bytes);
}

/* -- the directory --------------------------------------------------------------------------------------------- */

static int spool_read_version(struct spool *s)
{
	_buf_ struct buf text = BUF_INIT(64);
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/" FORMAT_FILE, s->dir);
	r = file_read(path, &text);
	s->version = r < 0 ? 0 : UINT_MAX;
	if (r == 0)
		sscanf(buf_str(&text), FORMAT_BEGINS "%u", &s->version);
	return r;
}

/* Makes the missing directories. The function also runs later, because the user may remove the directory. */
static int spool_prepare(struct spool *s, struct error *err)
{
	char text[32], path[PATH_MAX];
	int r = spool_read_version(s);

	if (r == 0)
		return spool_check_version(s, err);
	r = file_make_directories(s->dir);
	if (r == 0) {
		snprintf(text, sizeof(text), FORMAT_BEGINS "%d\n", FORMAT_VERSION);
		snprintf(path, sizeof(path), "%s/" FORMAT_FILE, s->dir);
		r = file_write_atomically(path, text, strlen(text));
	}
	if (r < 0)
		return spool_failed(s, r, "make", err);
	s->version = FORMAT_VERSION;
	return 0;
}

int spool_open(const char *directory, struct spool **ret, struct error *note)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s || !(s->dir = strdup(directory))) {
		free(s);
		return -ENOMEM;
	}
	spool_prepare(s, note);
	*ret = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	free(s->dir);
	free(s);
}

static int spool_is_ours(const struct dirent *d)
{
	struct spool_file f;

	return strncmp(d->d_name, TEMPORARY, strlen(TEMPORARY)) == 0 || spool_parse_name(d->d_name, &f);
}

/*
 * Counts the bytes of all files again. Another program may have removed files, and a spool that seemed to be full would
 * stay full for ever.
 */
static void spool_count(struct spool *s)
{
	struct dirent *entry;
	struct stat st;
	uint64_t bytes = 0;
	DIR *d;

	if (clock_monotonic_ms() < s->counted_ms + COUNT_AGAIN_MS)
		return;
	s->counted_ms = clock_monotonic_ms();
	d = opendir(s->dir);
	if (!d && errno != ENOENT)
		return;
	while (d && (entry = readdir(d)))
		if (spool_is_ours(entry) && fstatat(dirfd(d), entry->d_name, &st, 0) == 0)
			bytes += (uint64_t)st.st_size;
	if (d)
		closedir(d);
	atomic_store(&s->bytes, bytes);
}

enum spool_room spool_room(struct spool *s, uint64_t limit, size_t len)
{
	struct statvfs st;

	if (statvfs(s->dir, &st) == 0 && st.f_blocks &&
	    (uint64_t)st.f_bavail * st.f_frsize < (uint64_t)st.f_blocks * st.f_frsize / LEFT_ALONE + len)
		return SPOOL_DISK_FULL;
	if (spool_bytes(s) + len > limit)
		spool_count(s);
	return spool_bytes(s) + len > limit ? SPOOL_AT_LIMIT : SPOOL_HAS_ROOM;
}

/* -- writing --------------------------------------------------------------------------------------------------- */

static int spool_write_whole(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static uint64_t spool_size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int spool_write(struct spool *s, const struct spool_file *f, const struct buf *data, const struct buf *seal)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	_close_ int fd = -1;
	uint64_t old;
	int r;

	spool_path(s, f, "", path);
	spool_path(s, f, TEMPORARY, temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = spool_write_whole(fd, data->data, data->len);
	if (r == 0)
		r = spool_write_whole(fd, seal->data, seal->len);
	/* It may replace a last line that is on the disk already. */
	if (r == 0 && f->state == SPOOL_LAST_LINE && fdatasync(fd) < 0)
		r = -errno;
	old = spool_size_of(path);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	/* The kernel starts to write now, so a later fsync has little work. */
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	atomic_fetch_add(&s->bytes, data->len + seal->len - old);
	return 0;
}

int spool_put(struct spool *s, enum spool_state state, const struct batch_facts *facts, const struct buf *data,
	      struct error *err)
{
	struct spool_file file = {facts->import, facts->index, state};
	struct batch_sizes sizes = {data->len, crc32_add(0, data->data, data->len)};
	_buf_ struct buf seal = BUF_INIT(BATCH_FACTS_MAX + BATCH_FOOTER_SIZE);
	int r = batch_seal(facts, &sizes, &seal);

	if (r == 0 && s->version != FORMAT_VERSION)
		r = spool_prepare(s, err);
	if (r < 0)
		return r;
	r = spool_write(s, &file, data, &seal);
	if (r == -ENOENT) {
		r = spool_prepare(s, err);
		if (r < 0)
			return r;
		r = spool_write(s, &file, data, &seal);
	}
	return r < 0 ? spool_failed(s, r, "write to", err) : 0;
}

int spool_sync_file(struct spool *s, const struct spool_file *file, struct error *err)
{
	char path[PATH_MAX];
	_close_ int fd = -1;

	spool_path(s, file, "", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fdatasync(fd) == 0)
		return 0;
	return errno == ENOENT ? 0 : spool_failed(s, -errno, "write to", err);
}

int spool_sync_names(struct spool *s, struct error *err)
{
	_close_ int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? 0 : spool_failed(s, -errno, "write to", err);
}

/* -- reading --------------------------------------------------------------------------------------------------- */

static int spool_damaged(const struct spool *s, const struct spool_file *f, struct error *err)
{
	char path[PATH_MAX];

	spool_path(s, f, "", path);
	return error_set(err, -EBADMSG, "%s is damaged", path);
}

int spool_load(struct spool *s, const struct spool_file *file, struct buf *out, struct batch_facts *ret_facts,
	       struct error *err)
{
	size_t before = out->len, tail, len;
	struct batch_sizes sizes;
	char path[PATH_MAX];
	int r;

	spool_path(s, file, "", path);
	r = file_read(path, out);
	if (r == -ENOENT)
		return error_set(err, r, "another program removed %s", path);
	if (r == -EFBIG)
		return spool_damaged(s, file, err);
	if (r < 0)
		return spool_failed(s, r, "read", err);
	len = out->len - before;
	tail = len < TAIL_MAX ? len : TAIL_MAX;
	if (batch_read(out->data + out->len - tail, tail, len, ret_facts, &sizes) < 0 ||
	    sizes.data_crc != crc32_add(0, out->data + before, sizes.data))
		return spool_damaged(s, file, err);
	out->len = before + sizes.data;
	out->data[out->len] = '\0';
	return 0;
}

static int spool_read_facts(const struct spool *s, const char *name, struct batch_facts *facts, uint64_t *ret_size)
{
	char path[PATH_MAX], tail[TAIL_MAX];
	struct batch_sizes sizes;
	_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	n = pread(fd, tail, sizeof(tail), st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0);
	if (n < 0)
		return -errno;
	return batch_read(tail, (size_t)n, (uint64_t)st.st_size, facts, &sizes);
}

/* -- recovery -------------------------------------------------------------------------------------------------- */

static void spool_set_aside(const struct spool *s, const char *name, struct error *note)
{
	char path[PATH_MAX], aside[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	rename(path, aside);
	error_set(note, -EBADMSG, "%s is damaged, so its events were not delivered", path);
	error_remedy(note, "import the events again; the damaged file was renamed to %s", aside);
}

static void spool_drop_temporary(const struct spool *s, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	unlink(path);
}

static int spool_recover_file(struct spool *s, const char *name,
			      int (*found)(const struct spool_file *file, const struct batch_facts *facts,
					   uint64_t size, void *arg),
			      void *arg, struct error *note)
{
	struct batch_facts facts;
	struct spool_file file;
	uint64_t size = 0;
	int r;

	if (!spool_parse_name(name, &file)) {
		spool_drop_temporary(s, name);
		return 0;
	}
	r = spool_read_facts(s, name, &facts, &size);
	if (r < 0 && r != -EBADMSG) {
		spool_failed(s, r, "read", note);
		return 0;
	}
	if (r < 0 || facts.import != file.import || (file.state != SPOOL_LAST_LINE && facts.index != file.index)) {
		spool_set_aside(s, name, note);
		return 0;
	}
	file.index = facts.index;
	atomic_fetch_add(&s->bytes, size);
	return found(&file, &facts, size, arg);
}

int spool_recover(struct spool *s,
		  int (*found)(const struct spool_file *file, const struct batch_facts *facts, uint64_t size,
			       void *arg),
		  void *arg, struct error *note)
{
	struct dirent **entries;
	int n, r = 0;

	if (spool_check_version(s, NULL) < 0)
		return 0;
	n = scandir(s->dir, &entries, spool_is_ours, alphasort);
	if (n < 0 && errno != ENOENT)
		spool_failed(s, -errno, "read", note);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = spool_recover_file(s, entries[i]->d_name, found, arg, note);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}

/* -- moving ---------------------------------------------------------------------------------------------------- */

int spool_move(struct spool *s, struct spool_file *file, enum spool_state to, struct error *err)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];
	struct spool_file moved = *file;

	moved.state = to;
	spool_path(s, file, "", from_path);
	spool_path(s, &moved, "", to_path);
	if (strcmp(from_path, to_path) != 0 && rename(from_path, to_path) < 0)
		return spool_failed(s, -errno, "rename a file of", err);
	*file = moved;
	return 0;
}

/* Appends durably, or not at all: many incomplete footers would hide the complete one before them. */
static int spool_append(const struct spool *s, const struct spool_file *file, const struct buf *seal)
{
	char path[PATH_MAX];
	_close_ int fd = -1;
	struct stat st;
	int r;

	spool_path(s, file, "", path);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = spool_write_whole(fd, seal->data, seal->len);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r < 0 && ftruncate(fd, st.st_size) < 0)
		return -errno;
	return r;
}

int spool_reject(struct spool *s, struct spool_file *file, const char *why, struct error *err)
{
	_buf_ struct buf data = BUF_INIT(BATCH_FACTS_MAX * 4 + (8 << 20)), seal = BUF_INIT(BATCH_FACTS_MAX * 2);
	struct batch_sizes sizes;
	struct batch_facts facts;
	int r = spool_load(s, file, &data, &facts, err);

	if (r < 0)
		return r;
	snprintf(facts.why, sizeof(facts.why), "%s", why);
	sizes = (struct batch_sizes){data.len, crc32_add(0, data.data, data.len)};
	r = batch_seal(&facts, &sizes, &seal);
	if (r == 0)
		r = spool_append(s, file, &seal);
	if (r < 0)
		return spool_failed(s, r, "write to", err);
	atomic_fetch_add(&s->bytes, seal.len);
	r = spool_move(s, file, SPOOL_REJECTED, err);
	return r < 0 ? r : spool_sync_names(s, err);
}

int spool_remove(struct spool *s, const struct spool_file *file, struct error *err)
{
	char path[PATH_MAX];
	uint64_t size;

	spool_path(s, file, "", path);
	size = spool_size_of(path);
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : spool_failed(s, -errno, "remove a file of", err);
	atomic_fetch_sub(&s->bytes, size);
	return 0;
}
