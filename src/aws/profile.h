/*
 * profile.h - the files of ~/.aws: sections, keys, values, and keys nested by indentation.
 *
 * Format: "Configuration and credential file settings" in the AWS CLI's user guide. Debian's inih cuts lines at 200
 * bytes, which a session token exceeds, hence a reader of our own.
 */
#ifndef VASTFS_AWS_PROFILE_H
#define VASTFS_AWS_PROFILE_H

#include "base/error.h"

#include <cjson/cJSON.h>

/*
 * Reads a file into an object of sections, each an object of strings, or of objects where keys are nested. A missing
 * file is empty. 0, -ENOMEM, or another errno with words. It may hold keys: to be freed by secret_free_json().
 */
int aws_profile_read(const char *path, cJSON **ret, struct error *err);
int aws_profile_parse(const char *text, cJSON **ret);

/* The path in the environment variable, or ~/.aws/<name>; NULL without a home or memory. To be freed. */
char *aws_profile_path(const char *variable, const char *name);

/* The value of a key in a section, "" if it is not there. */
const char *aws_profile_get(const cJSON *file, const char *section, const char *key);

/* The name the config file gives to a profile's section: "default" or "profile <name>". */
char *aws_profile_section(const char *profile, char *out, size_t size);

/* The wanted profile, or that of the environment, or "default". */
const char *aws_profile_name(const char *wanted);

#endif
