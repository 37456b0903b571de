/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.h - the settings of config/default.env: the table of keys, the file's grammar, and the values.
 *
 * The grammar, line by line (a last line needs no newline):
 *
 *	[export] key = value	blanks (space, tab) around each part are optional, but the one after export is required
 *	value			up to the line's end, without blanks at its end; " #" starts a comment
 *	'value' or "value"	verbatim: inside only the quote that ends it is special; there is no escape
 *	# comment		also after a value and a blank
 *
 * A quote is special only as the first character of a value. Nothing is evaluated: $, ` and \ are ordinary characters.
 * An empty value means that the key is not set and has its default. If a key occurs twice, the last line counts. NUL
 * and other control characters, carriage returns, bytes that are not UTF-8, and a file of more than 64 KiB are refused.
 *
 * struct settings is immutable and reference-counted; every function here is pure and may be called on any thread.
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
	SETTING_IMPORT_SPOOL_LIMIT,
	SETTING_IMPORT_ORDERED,
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
	bool required;	      /* deploy needs a value */
	int (*check)(const char *value, struct error *err);
	const char *help; /* one line */
	/*
	 * Returns the offset of the mistake in a refused value, in bytes. NULL: messages refer to the value as a whole.
	 */
	size_t (*fault)(const char *value);
};

const struct setting_rule *setting_rule(enum setting key);

struct settings {
	struct ref ref;
	char *values[SETTING_COUNT]; /* values that the file sets; NULL where the default applies; see settings_get */
	char *default_region;	     /* aws_region if the file does not set it; NULL: there is none */
	char *default_region_fault;  /* message: why the given default region cannot be used; NULL: it is valid, or none
					is given */
	/* The same values, defaults included, as numbers; they have passed the checks. */
	struct cidr subnet; /* prefix 0 while subnet_cidr is not set */
	bool efs;	    /* vast_storage is efs */
	unsigned vast_port;
	unsigned server_cpu;	       /* CPU units, 1024 for each vCPU */
	unsigned server_memory;	       /* MiB */
	unsigned server_disk_size;     /* GiB; 0: not set, Fargate's own 20 GiB */
	unsigned server_start_timeout; /* seconds to wait for a new server to answer; not a parameter of the stack */
	bool server_restart; /* server_restart is always: an ECS service runs the server; not a parameter of the stack
			      */
	unsigned lambda_memory;	      /* MB */
	unsigned lambda_timeout;      /* s */
	unsigned lambda_tmp_size;     /* MB */
	unsigned lambda_result_limit; /* MB; not a parameter of the stack */
	unsigned import_spool_limit;  /* GB that may wait on this machine; not a parameter of the stack */
	bool import_ordered;	/* the batches of an import are delivered one by one; not a parameter of the stack */
	unsigned history_keep;	/* commands of each list that are kept; not a parameter of the stack */
	unsigned history_limit; /* GB on disk that the results of both lists may take together; not a parameter of the
				   stack */
};

/*
 * Checks one line (without its newline) on its own: syntax, key, value. -EINVAL with "line N, column M: what". It is
 * called while a file is being written; columns count bytes from 1. lineno 0: the text is not from a file, and the
 * message has no position.
 */
int settings_check_line(const char *line, size_t len, unsigned lineno, struct error *err);

/* The whole file. -EINVAL as settings_check_line, -EFBIG over SETTINGS_MAX, -ENOMEM. */
int settings_parse(const char *text, size_t len, struct settings **ret, struct error *err);

/*
 * Sets the region of the environment or of the profile, for the case that aws_region is not set. The settings must be
 * new, so that no other thread uses them yet. NULL and "": there is no such region. A text that is not a region's name
 * counts as none, and settings_check_region() names it with its source ("AWS_REGION"). 0 or -ENOMEM.
 */
int settings_set_default_region(struct settings *s, const char *region, const char *source);

/* -EINVAL with a message if aws_region is not set and the region of the environment or the profile is invalid. */
int settings_check_region(const struct settings *s, struct error *err);

/* Checks what deploy needs: all required keys are set and the values fit each other. -EINVAL with a message. */
int settings_check_complete(const struct settings *s, struct error *err);

struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);
DEFINE_CLEANUP(struct settings *, settings_unref)

/* The value in force: the one that is set, else the default, else "". Never NULL; valid as long as s. */
const char *settings_get(const struct settings *s, enum setting key);

/* Appends a line that settings_parse reads back; value is one that it has accepted, or that needs no quote. */
int setting_print(enum setting key, const char *value, struct buf *out);

/*
 * Appends the values that are set, and a default region, as lines that settings_parse reads back.
 */
int settings_print(const struct settings *s, struct buf *out);

/*
 * The hash that version 0.1 computed over the values of its 17 keys, 16 hexadecimal digits. Its journal identifies the
 * settings of an operation by this hash.
 */
char *settings_hash_first(const struct settings *s, char hex[static SETTINGS_HASH_SIZE]);

/* "vast-<stage>": the name of the stack, the image repository and the file system. */
char *settings_stack_name(const struct settings *s, char name[static SETTINGS_STACK_SIZE]);

/*
 * Appends an example file: every key with its help, required ones empty, the others commented out with their defaults.
 */
int settings_write_example(struct buf *out);

#endif
