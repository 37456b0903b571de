/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - options, daemonizing and the life of one mount.
 *
 * The process forks before it has any thread; the parent returns when the tree answers requests, or prints why the
 * mount has failed.
 */
#include "base/confine.h"
#include "base/log.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/secret_env.h"
#include "directories.h"
#include "fs/mount.h"
#include "fs/tree.h"
#include "options.h"
#include "shell/client.h"
#include "supervisor.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The exit statuses of mount(8). */
enum { MAIN_USAGE = 1, MAIN_SYSTEM_ERROR = 2, MAIN_MOUNT_FAILED = 32 };

static const char usage[] =
	"usage: vastfs [-f] [-d] [-o OPTIONS] [--config-dir DIR] [SOURCE] MOUNTPOINT\n"
	"       vastfs shell MOUNTPOINT [TASK]\n"
	"       vastfs --help | --version\n"
	"\n"
	"Mounts a VAST stack on AWS as a directory and returns when the tree answers.\n"
	"\n"
	"  -f                stay in the foreground, with messages on standard error\n"
	"  -d                like -f, with a trace of every FUSE request\n"
	"  -o OPTIONS        mount options, separated by commas; see below\n"
	"  --config-dir DIR  directory of default.env (default: $XDG_CONFIG_HOME/vastfs)\n"
	"  -h, --help        print this text\n"
	"  -V, --version     print the version\n"
	"  SOURCE            the name of the file system in the list of mounts (default: vast-STAGE)\n"
	"\n"
	"Options of vastfs:\n";

static const char usage_end[] =
	"Every other option is one of FUSE, for instance allow_other. Options of fstab, mount(8) and systemd that "
	"concern\n"
	"no file system are ignored: mount -t fuse.vastfs SOURCE MOUNTPOINT -o OPTIONS and /etc/fstab work.\n"
	"\n"
	"vastfs shell opens a shell in the container of a task: TASK is its id or the beginning of the id; without it, "
	"the\n"
	"default server is taken. If standard input is a terminal, the shell is interactive, and Enter ~ . leaves it "
	"at "
	"once.\n"
	"If not, the shell runs the commands that it reads.\n"
	"\n"
	"Exit status of a mount: 0 mounted, 1 wrong options, 2 an error of this system, 32 the mount failed.\n"
	"Unmount with fusermount3 -u MOUNTPOINT. In the background, vastfs writes its messages to syslog.\n"
	"MOUNTPOINT/README explains the tree.\n";

static int main_refuse_options(const struct error *err)
{
	fprintf(stderr, "vastfs: %s\n", err->message);
	fprintf(stderr, "%s\n", *err->remedy ? err->remedy : "vastfs --help shows the options");
	return MAIN_USAGE;
}

/* The text may have been lost: the disk of a redirected output may be full. */
static int main_end_output(void)
{
	if (fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "vastfs: cannot write to standard output: %s\n", strerror(errno));
	return MAIN_SYSTEM_ERROR;
}

static int main_print_help(void)
{
	_buf_ struct buf words = BUF_INIT(8192);

	options_print_words(&words);
	printf("%s%s%s", usage, buf_str(&words), usage_end);
	return main_end_output();
}

/* Lists the table for the tests: type, mode and path of each row. */
static int main_list_tree(void)
{
	static const char types[] = {[ROW_DIR] = 'd', [ROW_FILE] = 'f', [ROW_LINK] = 'l'};

	for (size_t i = 0; i < tree_rows_n; i++)
		printf("%c %04o /%s\n", types[tree_rows[i].type], (unsigned)tree_rows[i].mode, tree_rows[i].path);
	return EXIT_SUCCESS;
}

/* -- serving --------------------------------------------------------------------------------------------------- */

/* Blocks signals in all threads; the notifier reads them from a descriptor. */
static void main_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a result over the file size limit fails only its query */
}

/* Each large result has a descriptor, and the default limit of shells is 1024. */
static void main_raise_descriptor_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail */
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A function that lacked memory may have returned without a message. */
static void main_say(const struct error *err)
{
	if (!error_is(err))
		log_error("out of memory");
	else
		log_error("%s%s%s", err->message, *err->remedy ? "; " : "", err->remedy);
}

static int main_serve(const struct options *o, const struct directories *d, void (*ready)(void *arg), void *arg)
{
	struct model_config where = {.config_dir = d->config,
				     .state_dir = d->state,
				     .cache_dir = d->cache,
				     .settings = buf_str(&o->settings),
				     .read_only = o->read_only};
	struct mount_options mount = {.mountpoint = o->mountpoint,
				      .source = o->source,
				      .fuse = o->fuse.len ? buf_str(&o->fuse) : NULL,
				      .debug = o->debug,
				      .read_only = o->read_only,
				      .uid = o->uid,
				      .gid = o->gid,
				      .umask = o->umask};
	struct error err = {0};
	struct model *model;

	directories_name_holder(d);
	main_block_signals();
	main_raise_descriptor_limit();
	secret_start(MAIN_MOUNT_FAILED);
	secret_env_take();
	if (model_start(&where, &model, &err) < 0 || mount_serve(model, &mount, ready, arg, &err) < 0) {
		main_say(&err);
		return MAIN_MOUNT_FAILED;
	}
	return EXIT_SUCCESS;
}

static void main_ready_in_foreground(void *supervisor)
{
	log_info("mounted");
	supervisor_report_ready(supervisor);
}

/* The parent exits now: the daemon must release the terminal and the pipe of a shell's $(...). */
static void main_ready_in_background(void *arg)
{
	int *pipe_end = arg, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_to_syslog();
	if (null >= 0) { /* never 0 to 2: see main_hold_standard_descriptors() */
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		close(null);
	}
	if (write(*pipe_end, "", 1) != 1)
		log_error("the parent process no longer waits for the mount");
	close(*pipe_end);
	*pipe_end = -1;
}

/* The parent: returns an exit status when the tree answers or the child has failed and printed its message. */
static int main_wait_for_child(pid_t child, int from_child, const char *mountpoint)
{
	struct stat st;
	int status;
	char byte;
	ssize_t n;

	do
		n = read(from_child, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		if (stat(mountpoint, &st) == 0)
			return EXIT_SUCCESS;
		fprintf(stderr, "vastfs: mounted, but %s does not answer: %s\n", mountpoint, strerror(errno));
		return MAIN_MOUNT_FAILED;
	}
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	fprintf(stderr, "vastfs: the daemon ended before the mount was complete\n");
	return MAIN_MOUNT_FAILED;
}

static int main_serve_in_background(const struct options *o, const struct directories *d)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return MAIN_SYSTEM_ERROR;
	child = fork();
	if (child < 0) {
		fprintf(stderr, "vastfs: cannot fork: %s\n", strerror(errno));
		return MAIN_SYSTEM_ERROR;
	}
	if (child > 0) {
		close(ends[1]);
		return main_wait_for_child(child, ends[0], o->mountpoint);
	}
	close(ends[0]);
	setsid();
	if (chdir("/") < 0)
		return MAIN_SYSTEM_ERROR;
	return main_serve(o, d, main_ready_in_background, &ends[1]);
}

static int main_run(const struct options *o, const struct directories *d)
{
	_free_ char *supervisor = supervisor_take();

	if (o->debug)
		log_set_level(LOG_LEVEL_DEBUG);
	return o->foreground ? main_serve(o, d, main_ready_in_foreground, supervisor) : main_serve_in_background(o, d);
}

/* If one of the three is closed, the next file would get its number and receive messages. */
static void main_hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int main_run_shell(int argc, char **argv)
{
	if (argc < 3 || argc > 4 || *argv[2] == '-') {
		fputs("vastfs: usage: vastfs shell MOUNTPOINT [TASK]\nTry vastfs --help.\n", stderr);
		return MAIN_USAGE;
	}
	return shell_run(argv[2], argc == 4 ? argv[3] : NULL);
}

/* The mountpoint becomes an absolute path, because a daemon has no working directory. */
static int main_prepare(struct options *o, struct error *err)
{
	char *mountpoint;
	int r = mount_prepare(o->mountpoint, &mountpoint, err);

	if (r < 0)
		return r;
	free(o->mountpoint);
	o->mountpoint = mountpoint;
	return 0;
}

static int main_mount(struct options *o)
{
	struct directories d = {0};
	struct error err = {0};
	int r = MAIN_MOUNT_FAILED;

	if (o->coredump)
		confine_end();
	if (path_fix_environment() < 0) {
		fprintf(stderr,
			"vastfs: cannot find the working directory, which a relative path in the environment needs\n");
		return MAIN_SYSTEM_ERROR;
	}
	if (main_prepare(o, &err) < 0) {
		main_say(&err);
		return MAIN_MOUNT_FAILED;
	}
	if (directories_open(o->config_dir, &d) >= 0)
		r = main_run(o, &d);
	else
		fprintf(stderr, "vastfs: cannot open the configuration, state or cache directory\n");
	directories_free(&d);
	return r;
}

static int main_act(struct options *o)
{
	switch (o->action) {
	case OPTIONS_HELP:
		return main_print_help();
	case OPTIONS_VERSION:
		puts("vastfs " VASTFS_VERSION);
		return main_end_output();
	case OPTIONS_LIST_TREE:
		return main_list_tree();
	case OPTIONS_FAKE:
		return EXIT_SUCCESS;
	case OPTIONS_MOUNT:
		break;
	}
	return main_mount(o);
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct options o;
	int r;

	mallopt(M_ARENA_MAX, 2); /* five threads, of which one allocates most: more arenas would only waste memory */
	confine_process();
	main_hold_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], "shell") == 0)
		return main_run_shell(argc, argv);
	if (options_parse(argc, argv, &o, &err) == 0)
		r = main_act(&o);
	else
		r = main_refuse_options(&err);
	options_free(&o);
	return r;
}
