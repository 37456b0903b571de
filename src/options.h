/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - the command line of a mount, as a person types it and as mount(8) and fstab write it. Pure but for the
 * name service, which uid= and gid= may ask.
 *
 * Words of -o are of three kinds: vastfs's own (options.c has the table), those of mount(8) and systemd that concern
 * no file system, which are dropped, and the rest, which is libfuse's.
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
	OPTIONS_LIST_TREE, /* for the tests, which derive from the table of the tree */
};

struct options {
	enum options_action action;
	bool foreground, debug;
	bool coredump;	     /* core files and debuggers are allowed */
	bool read_only;	     /* vastfs looks and never acts */
	char *config_dir;    /* NULL: the default */
	char *source;	     /* as mount(8) names it; NULL: none was given */
	char *mountpoint;    /* set for OPTIONS_MOUNT */
	struct buf fuse;     /* libfuse's words, separated by commas */
	struct buf settings; /* lines of default.env that the options stand for */
	uid_t uid;	     /* who owns the files; -1: who mounts */
	gid_t gid;	     /* likewise */
	mode_t umask;	     /* bits that no file has */
};

/*
 * Fills ret, which options_free() empties in any case. -EINVAL with a message and a remedy, -ENOMEM.
 */
int options_parse(int argc, char **argv, struct options *ret, struct error *err);
void options_free(struct options *o);

/* Appends the table of vastfs's own words of -o, a line each, for --help. */
void options_print_words(struct buf *out);

#endif
