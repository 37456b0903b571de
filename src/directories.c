/* SPDX-License-Identifier: BSD-3-Clause */
#include "directories.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define LOCK_WAIT_MS  5000
#define LOCK_PAUSE_MS 20
#define ID_BYTES      16
#define ID_SIZE	      (2 * ID_BYTES + 1)
#define NOTE_MAX      (ID_SIZE + PATH_MAX + 16)

static int directories_report(const char *what, const char *path, int r)
{
	fprintf(stderr, "vastfs: cannot %s %s: %s\n", what, path ? path : "of the settings", strerror(-r));
	return r;
}

/* XDG Base Directory Specification, except that relative paths are accepted: path.h has made them absolute. */
static char *directories_xdg(const char *variable, const char *below_home)
{
	const char *base = getenv(variable), *home = path_home();
	char *path;
	int n;

	if (base && *base == '/')
		n = asprintf(&path, "%s/vastfs", base);
	else
		n = asprintf(&path, "%s/%s/vastfs", home ? home : "/", below_home);
	return n < 0 ? NULL : path;
}

static int directories_make_config(const char *config_dir, char **ret)
{
	_free_ char *path = config_dir ? strdup(config_dir) : directories_xdg("XDG_CONFIG_HOME", ".config");
	int r = path ? file_make_directories(path) : -ENOMEM;

	if (r < 0)
		return directories_report("make the directory", path, r);
	/* Resolve links, so that a directory has one lock and one state under all its names. */
	*ret = realpath(path, NULL);
	return *ret ? 0 : directories_report("resolve", path, -errno);
}

/* -- the lock --------------------------------------------------------------------------------------------------- */

static int directories_wait_for_lock(int fd)
{
	int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_monotonic_ms() >= deadline)
			return -EBUSY;
		usleep(LOCK_PAUSE_MS * 1000);
	}
	return 0;
}

static int directories_refuse_locked(int fd, const char *config)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	fprintf(stderr, "vastfs: another vastfs%s%s uses %s; unmount it, or use another --config-dir\n",
		*pid ? ", process " : "", pid, config);
	return -EBUSY;
}

/*
 * Two mounts on one machine would overwrite each other's settings. The kernel releases the lock when the process ends.
 */
static int directories_take_lock(struct directories *d)
{
	_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/.lock", d->config) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock < 0)
		return directories_report("open", path, -errno);
	r = directories_wait_for_lock(d->lock);
	if (r == -EBUSY)
		return directories_refuse_locked(d->lock, d->config);
	return r < 0 ? directories_report("lock", path, r) : 0;
}

void directories_name_holder(const struct directories *d)
{
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	/* On a full disk the file stays empty instead of naming a previous process. */
	if (ftruncate(d->lock, 0) < 0 || pwrite(d->lock, pid, (size_t)n, 0) != n)
		(void)!ftruncate(d->lock, 0);
}

/* -- the owner of the state -------------------------------------------------------------------------------------- */

/*
 * Reads a note, which is one line; "" if there is none. A note that cannot be read now (-ENOMEM, -EIO) is not missing:
 * a new one in its place would separate the configuration from its state.
 */
static int directories_read_note(const char *dir, const char *name, char out[static NOTE_MAX])
{
	_buf_ struct buf text = BUF_INIT(NOTE_MAX);
	_free_ char *path = NULL;
	int r;

	*out = '\0';
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = file_read(path, &text);
	if (r == -ENOMEM || r == -EIO)
		return directories_report("read", path, r);
	if (r == 0)
		snprintf(out, NOTE_MAX, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	return 0;
}

static int directories_write_note(const char *dir, const char *name, const char *text)
{
	_buf_ struct buf line = BUF_INIT(NOTE_MAX);
	_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = buf_printf(&line, "%s\n", text);
	if (r == 0)
		r = file_write_atomically(path, buf_str(&line), line.len);
	return r < 0 ? directories_report("write", path, r) : 0;
}

/*
 * The state of the default directory has no ID, because earlier versions had none. A file in it names its configuration
 * directory: another default directory (another XDG_CONFIG_HOME) uses the state only if that one no longer exists.
 * Returns 1, 0 or a negative errno.
 */
static int directories_owns_plain_state(const char *config, bool is_default, const char *plain_state)
{
	char owner[NOTE_MAX];
	int r = directories_read_note(plain_state, ".owner", owner);

	if (r < 0)
		return r;
	if (strcmp(owner, config) == 0)
		return 1;
	if (!is_default || (*owner && access(owner, F_OK) == 0))
		return 0;
	/* If the name cannot be written, neither can the journal: the first operation reports that. */
	(void)directories_write_note(plain_state, ".owner", config);
	return 1;
}

static int directories_make_id(char id[static ID_SIZE])
{
	unsigned char bytes[ID_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* The note is "<id> <path>": the path distinguishes a renamed directory from a copy of an existing one. */
static bool directories_is_id_note(const char *note)
{
	return strspn(note, "0123456789abcdef") == ID_SIZE - 1 && note[ID_SIZE - 1] == ' ';
}

static int directories_is_copy(const char *note, const char *config)
{
	char original[NOTE_MAX];
	int r;

	if (strcmp(note + ID_SIZE, config) == 0)
		return 0;
	r = directories_read_note(note + ID_SIZE, ".id", original);
	return r < 0 ? r : strncmp(original, note, ID_SIZE) == 0;
}

static int directories_find_id(const char *config, char id[static ID_SIZE])
{
	char note[NOTE_MAX], fresh[NOTE_MAX];
	int r = directories_read_note(config, ".id", note), is_copy = 0;

	if (r < 0)
		return r;
	if (directories_is_id_note(note))
		is_copy = directories_is_copy(note, config);
	if (is_copy < 0)
		return is_copy;
	if (directories_is_id_note(note) && !is_copy)
		snprintf(id, ID_SIZE, "%s", note);
	else
		r = directories_make_id(id);
	if (r < 0)
		return directories_report("get randomness for", config, r);
	snprintf(fresh, sizeof(fresh), "%s %s", id, config);
	return strcmp(fresh, note) == 0 ? 0 : directories_write_note(config, ".id", fresh);
}

static char *directories_join(const char *base, const char *id)
{
	char *path;

	return asprintf(&path, "%s%s%s", base, *id ? "/" : "", id) < 0 ? NULL : path;
}

/* Without a state directory operations are refused later; without a cache large results cannot be stored. */
static int directories_make_own(struct directories *d, const char *state, const char *cache, const char *id)
{
	int r;

	d->state = directories_join(state, id);
	d->cache = directories_join(cache, id);
	if (!d->state || !d->cache)
		return -ENOMEM;
	(void)file_make_directories(d->state);
	r = file_make_directories(d->cache);
	return r < 0 ? directories_report("make the directory", d->cache, r) : 0;
}

static int directories_is_default(const char *config, const char *config_dir)
{
	_free_ char *path = directories_xdg("XDG_CONFIG_HOME", ".config");
	_free_ char *real = path ? realpath(path, NULL) : NULL;

	if (!path || (!real && errno == ENOMEM))
		return -ENOMEM;
	return !config_dir || (real && strcmp(real, config) == 0);
}

int directories_open(const char *config_dir, struct directories *ret)
{
	_free_ char *state = directories_xdg("XDG_STATE_HOME", ".local/state");
	_free_ char *cache = directories_xdg("XDG_CACHE_HOME", ".cache");
	char id[ID_SIZE] = "";
	int r;

	*ret = (struct directories){.lock = -1};
	if (!state || !cache)
		return -ENOMEM;
	r = directories_make_config(config_dir, &ret->config);
	if (r == 0)
		r = directories_take_lock(ret);
	if (r < 0)
		return r;
	(void)file_make_directories(state);
	r = directories_is_default(ret->config, config_dir);
	if (r >= 0)
		r = directories_owns_plain_state(ret->config, r, state);
	if (r == 0)
		r = directories_find_id(ret->config, id);
	return r < 0 ? r : directories_make_own(ret, state, cache, id);
}

void directories_free(struct directories *d)
{
	free(d->config);
	free(d->state);
	free(d->cache);
}
