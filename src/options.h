/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - parses the command line of a mount, in the forms that users, mount(8) and fstab write. Main thread only.
 * The functions keep no state; uid= and gid= may query the name service. The caller owns the result.
 *
 * There are three kinds of words in -o. vastfs handles its own words (the table is in options.c). It drops the words of
 * mount(8) and systemd that do not concern the file system. It passes all other words to libfuse.
 */
#ifndef VASTFS_OPTIONS_H
#define VASTFS_OPTIONS_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

enum options_action {
	OPTIONS_MOUNT,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_FAKE,	   /* mount -f: mounts nothing */
	OPTIONS_LIST_TREE, /* prints the table of the tree for the tests */
};

struct options {
	enum options_action action;
	bool foreground, debug;
	bool coredump;	     /* core files and debuggers are allowed */
	bool read_only;	     /* vastfs only reads from AWS and never acts */
	char *config_dir;    /* NULL: the default */
	char *source;	     /* the source that mount(8) passes; NULL: none */
	char *mountpoint;    /* set for OPTIONS_MOUNT */
	struct buf fuse;     /* the words for libfuse, separated by commas */
	struct buf settings; /* the lines of default.env that the options represent */
	uid_t uid;	     /* the owner of the files; -1: the user that mounts */
	gid_t gid;	     /* the group of the files; -1: the group of that user */
	mode_t umask;	     /* permission bits that no file has */
};

/*
 * Fills ret. The caller calls options_free() also after an error. Returns -EINVAL with a message and a remedy, or
 * -ENOMEM.
 */
int options_parse(int argc, char **argv, struct options *ret, struct error *err);
void options_free(struct options *o);

/* A word of -o that vastfs handles itself. */
struct options_help {
	const char *name;
	const char *value; /* the name of the value; NULL: the word takes no value */
	const char *help;  /* one line */
};

/* Returns the word number i, or NULL after the last. --help, the manual and the completions list them. */
const struct options_help *options_help(size_t i);

/* Appends the table of vastfs's own words of -o for --help, one line per word. */
void options_print_words(struct buf *out);

#endif
