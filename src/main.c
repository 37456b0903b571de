/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - options, daemonizing and the life of one mount.
 *
 * The process forks before it creates a thread; the parent exits when the tree answers or the mount has failed.
 */
#include "base/confine.h"
#include "base/log.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/secret_env.h"
#include "directories.h"
#include "fs/mount.h"
#include "fs/tree.h"
#include "shell/client.h"

#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define EXIT_USAGE 2

struct options {
	bool foreground, debug;
	bool coredump;
	char *fuse; /* -o, joined by commas */
	const char *config_dir;
	const char *mountpoint;
};

static const char usage[] =
	"usage: vastfs [-f] [-d] [-o OPTIONS] [--config-dir DIR] MOUNTPOINT\n"
	"       vastfs shell MOUNTPOINT [TASK]\n"
	"       vastfs --help | --version\n"
	"\n"
	"Mounts a VAST stack on AWS as a directory and returns when the tree answers.\n"
	"\n"
	"  -f                stay in the foreground, with messages on standard error\n"
	"  -d                like -f, with a trace of every FUSE request\n"
	"  -o OPTIONS        FUSE mount options, for example allow_other; for developers also coredump, which permits\n"
	"                    core files and debuggers (off by default: the process has secret keys in memory)\n"
	"  --config-dir DIR  directory of default.env (default: $XDG_CONFIG_HOME/vastfs)\n"
	"  --help            print this text\n"
	"  --version         print the version\n"
	"\n"
	"vastfs shell opens a shell in the container of TASK (a task ID or a prefix of one; default: the default "
	"server).\n"
	"It is interactive if standard input is a terminal (Enter ~ . leaves it at once); else it runs standard input "
	"as a "
	"script.\n"
	"\n"
	"Unmount with fusermount3 -u MOUNTPOINT. As a daemon, vastfs writes its messages to syslog.\n"
	"MOUNTPOINT/README explains the tree.\n";

/* -- options --------------------------------------------------------------------------------------------------- */

static int main_bad_usage(const char *format, const char *what)
{
	fprintf(stderr, "vastfs: ");
	fprintf(stderr, format, what);
	fprintf(stderr, "\nTry vastfs --help.\n");
	return EXIT_USAGE;
}

static int main_add_fuse_option(struct options *o, const char *more)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", o->fuse ? o->fuse : "", o->fuse ? "," : "", more) < 0)
		return EXIT_FAILURE;
	free(o->fuse);
	o->fuse = joined;
	return 0;
}

/* Takes coredump, an option of vastfs, out of the list for libfuse. */
static int main_add_options(struct options *o, const char *list)
{
	_free_ char *copy = strdup(list);
	char *rest = copy, *word;
	int r = copy ? 0 : EXIT_FAILURE;

	while (r == 0 && (word = strsep(&rest, ","))) {
		if (strcmp(word, "coredump") == 0)
			o->coredump = true;
		else if (*word)
			r = main_add_fuse_option(o, word);
	}
	return r;
}

/* Lists the table for the tests: type, mode and path of each row. */
static void main_list_tree(void)
{
	static const char types[] = {[ROW_DIR] = 'd', [ROW_FILE] = 'f', [ROW_LINK] = 'l'};

	for (size_t i = 0; i < tree_rows_n; i++)
		printf("%c %04o /%s\n", types[tree_rows[i].type], (unsigned)tree_rows[i].mode, tree_rows[i].path);
}

enum { OPT_CONFIG_DIR = 256, OPT_LIST_TREE };

/* 0: go on; -1: done, exit with success; else an exit status. */
static int main_take_option(struct options *o, int option, const char *word)
{
	switch (option) {
	case 'd':
		o->debug = true;
		o->foreground = true;
		return 0;
	case 'f':
		o->foreground = true;
		return 0;
	case 'o':
		return main_add_options(o, optarg);
	case OPT_CONFIG_DIR:
		o->config_dir = optarg;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return -1;
	case 'V':
		puts("vastfs " VASTFS_VERSION);
		return -1;
	case OPT_LIST_TREE:
		main_list_tree();
		return -1;
	case ':':
		return main_bad_usage("%s needs an argument", word);
	default:
		return main_bad_usage("unknown option %s", word);
	}
}

static int main_parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {{"config-dir", required_argument, NULL, OPT_CONFIG_DIR},
					      {"list-tree", no_argument, NULL, OPT_LIST_TREE},
					      {"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {0}};
	int option, r;

	while ((option = getopt_long(argc, argv, ":dfo:hV", names, NULL)) != -1) {
		r = main_take_option(o, option, argv[optind - 1]);
		if (r != 0)
			return r;
	}
	if (optind == argc)
		return main_bad_usage("%s", "which MOUNTPOINT?");
	if (argc - optind > 1)
		return main_bad_usage("unexpected argument '%s'; expected one MOUNTPOINT", argv[optind + 1]);
	o->mountpoint = argv[optind];
	return 0;
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

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void main_say(const struct error *err)
{
	log_error("%s%s%s", err->message, *err->remedy ? "; " : "", err->remedy);
}

static int main_serve(const struct options *o, const struct directories *d, void (*ready)(void *arg), void *arg)
{
	struct model_config where = {.config_dir = d->config, .state_dir = d->state, .cache_dir = d->cache};
	struct mount_options mount = {.mountpoint = o->mountpoint, .fuse = o->fuse, .debug = o->debug};
	struct error err = {0};
	struct model *model;

	directories_name_holder(d);
	main_block_signals();
	main_raise_descriptor_limit();
	secret_start();
	secret_env_take();
	if (model_start(&where, &model, &err) < 0 || mount_serve(model, &mount, ready, arg, &err) < 0) {
		main_say(&err);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void main_ready_in_foreground(void *arg _unused_)
{
	log_info("mounted");
}

/* The parent exits now: the daemon must release the terminal and the pipe of a shell's $(...). */
static void main_ready_in_background(void *arg)
{
	int *pipe_end = arg, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_to_syslog();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
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
		return EXIT_FAILURE;
	}
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	fprintf(stderr, "vastfs: the daemon ended before the mount was complete\n");
	return EXIT_FAILURE;
}

static int main_serve_in_background(const struct options *o, const struct directories *d)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return EXIT_FAILURE;
	child = fork();
	if (child < 0) {
		fprintf(stderr, "vastfs: cannot fork: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (child > 0) {
		close(ends[1]);
		return main_wait_for_child(child, ends[0], o->mountpoint);
	}
	close(ends[0]);
	setsid();
	if (chdir("/") < 0)
		return EXIT_FAILURE;
	return main_serve(o, d, main_ready_in_background, &ends[1]);
}

static int main_run(const struct options *o, const struct directories *d)
{
	if (o->debug)
		log_set_level(LOG_LEVEL_DEBUG);
	return o->foreground ? main_serve(o, d, main_ready_in_foreground, NULL) : main_serve_in_background(o, d);
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
	if (argc < 3 || argc > 4 || *argv[2] == '-')
		return main_bad_usage("%s", "vastfs shell MOUNTPOINT [TASK]");
	return shell_run(argv[2], argc == 4 ? argv[3] : NULL);
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct directories d = {0};
	_free_ char *mountpoint = NULL;
	struct error err = {0};
	int r;

	mallopt(M_ARENA_MAX, 2); /* five threads, of which one allocates most: more arenas would only waste memory */
	confine_process();
	main_hold_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], "shell") == 0)
		return main_run_shell(argc, argv);
	r = main_parse_options(argc, argv, &o);
	if (r != 0)
		return r < 0 ? EXIT_SUCCESS : r;
	if (o.coredump)
		confine_end();
	r = path_fix_environment();
	if (r < 0) {
		fprintf(stderr,
			"vastfs: cannot find the working directory, which a relative path in the environment needs\n");
		return EXIT_FAILURE;
	}
	r = EXIT_FAILURE;
	if (mount_prepare(o.mountpoint, &mountpoint, &err) < 0) {
		main_say(&err);
	} else if (directories_open(o.config_dir, &d) >= 0) {
		o.mountpoint = mountpoint;
		r = main_run(&o, &d);
	} else {
		fprintf(stderr, "vastfs: cannot open the configuration, state or cache directory\n");
	}
	directories_free(&d);
	free(o.fuse);
	return r;
}
