/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.h - the settings of config/default.env: one table of keys, the file's grammar, the values in force.
 *
 * The grammar, line by line (a last line needs no newline):
 *
 *	[export] key = value	blanks (space, tab) around each part are optional, but for one after export
 *	value			up to the line's end, without blanks at its end; " #" (a blank before it) starts a
 *comment 'value' or "value"	as it stands: nothing is special inside but the quote that ends it; there is no escape
 *	# comment		also behind a value, after a blank
 *
 * A quote is one only as the first character of a value. Nothing is evaluated: $, ` and \ are characters like others.
 * An empty value means: not set, the default holds. If a key is there twice, the last line wins. Refused are NUL and
 * other control characters, carriage returns, what is not UTF-8, and a file of more than 64 KiB.
 *
 * struct settings is immutable and shared; every function here is pure and may be called on any thread.
 */
#ifndef VASTFS_STACK_SETTINGS_H
#define VASTFS_STACK_SETTINGS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/ref.h"
#include "stack/cidr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_MAX	    65536 /* bytes of the file */
#define SETTINGS_HASH_SIZE  17	  /* 16 hexadecimal digits and a NUL */
#define SETTINGS_STACK_SIZE 38	  /* "vast-", 32 characters and a NUL */

/* In the order of the table, the README and the help. */
enum setting {
	SETTING_AWS_REGION,
	SETTING_VPC_ID,
	SETTING_SUBNET_CIDR,
	SETTING_STAGE,
	SETTING_VAST_IMAGE,
	SETTING_VAST_COMMAND,
	SETTING_VAST_PORT,
	SETTING_VAST_STORAGE,
	SETTING_VAST_DATA_DIR,
	SETTING_IMPORT_COMMAND,
	SETTING_SERVER_CPU,
	SETTING_SERVER_MEMORY,
	SETTING_SERVER_DISK_SIZE,
	SETTING_SERVER_ENVIRONMENT,
	SETTING_SERVER_RESTART,
	SETTING_SERVER_START_TIMEOUT,
	SETTING_LAMBDA_MEMORY,
	SETTING_LAMBDA_TIMEOUT,
	SETTING_LAMBDA_TMP_SIZE,
	SETTING_LAMBDA_RESULT_LIMIT,
	SETTING_ARCHITECTURE,
	SETTING_AWS_PROFILE,
	SETTING_ROLE_POLICIES,
	SETTING_HISTORY_KEEP,
	SETTING_HISTORY_LIMIT,
	SETTING_COUNT
};

/* One row of the table. */
struct setting_rule {
	const char *key;
	const char *fallback; /* the default; NULL: none */
	bool required;	      /* to deploy */
	int (*check)(const char *value, struct error *err);
	const char *help; /* one line */
	/* Where in a refused value the mistake is, in bytes; NULL: the value as a whole is wrong. */
	size_t (*fault)(const char *value);
};

const struct setting_rule *setting_rule(enum setting key);

struct settings {
	struct ref ref;
	char *values[SETTING_COUNT]; /* as set; NULL where the default holds; see settings_get */
	char *default_region;	     /* aws_region where it is not set; NULL: there is none */
	char *default_region_fault;  /* why there is none although one is given, in words; NULL: none is given */
	/* The same, defaults included, as numbers; the checks hold. */
	struct cidr subnet; /* prefix 0 while subnet_cidr is not set */
	bool efs;	    /* vast_storage is efs */
	unsigned vast_port;
	unsigned server_cpu;	       /* units, 1024 a processor */
	unsigned server_memory;	       /* MiB */
	unsigned server_disk_size;     /* GiB; 0: not set, Fargate's own 20 GiB */
	unsigned server_start_timeout; /* s until a server that does not answer is given up; vastfs's own */
	bool server_restart;	       /* server_restart is always: an ECS service runs the server; vastfs's own */
	unsigned lambda_memory;	       /* MB */
	unsigned lambda_timeout;       /* s */
	unsigned lambda_tmp_size;      /* MB */
	unsigned lambda_result_limit;  /* MB; vastfs's own limit, not of the stack */
	unsigned history_keep;	       /* commands of each list that stay; vastfs's own, too */
	unsigned history_limit;	       /* GB on disk that their results may take together; likewise */
};

/*
 * Looks at one line (without its newline) on its own: syntax, key, value. -EINVAL with "line N, column M: what". Used
 * while a file is being written; columns count bytes from 1.
 */
int settings_check_line(const char *line, size_t len, unsigned lineno, struct error *err);

/* The whole file. -EINVAL as settings_check_line, -EFBIG over SETTINGS_MAX, -ENOMEM. */
int settings_parse(const char *text, size_t len, struct settings **ret, struct error *err);

/*
 * Gives new settings, which nobody shares yet, the region to use where aws_region is not set: the environment's or the
 * profile's. NULL and "": none. What is no region's name is none either, and settings_check_complete() says so of the
 * source ("AWS_REGION"). -ENOMEM.
 */
int settings_set_default_region(struct settings *s, const char *region, const char *source);

/* -EINVAL with words if the only region given, in the environment or the profile, is none. */
int settings_check_region(const struct settings *s, struct error *err);

/* What only deploy needs: all that is required is there, and the values fit each other. -EINVAL with words. */
int settings_check_complete(const struct settings *s, struct error *err);

struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);
DEFINE_CLEANUP(struct settings *, settings_unref)

/* The value in force: set, default, or "" if neither. Never NULL, lives as long as s. */
const char *settings_get(const struct settings *s, enum setting key);

/*
 * Appends what is set, and a default region, as lines that settings_parse reads back: the same values in force, however
 * they were written.
 */
int settings_print(const struct settings *s, struct buf *out);

/*
 * 16 hexadecimal digits over the values in force of the 17 keys that version 0.1 knew, as it computed them: by this its
 * journal tells the settings that an operation began with.
 */
char *settings_hash_first(const struct settings *s, char hex[static SETTINGS_HASH_SIZE]);

/* "vast-<stage>": the name of the stack, the image repository and the file system. */
char *settings_stack_name(const struct settings *s, char name[static SETTINGS_STACK_SIZE]);

/* A file to start from: every key with its help, required ones empty, the others commented out at their defaults. */
int settings_write_example(struct buf *out);

#endif
