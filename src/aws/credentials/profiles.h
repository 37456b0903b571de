/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profiles.h - the profiles of ~/.aws/config and ~/.aws/credentials, as the AWS CLI sees them.
 *
 * A profile is the section [default] or [profile NAME] of the config file, and beside it the section [NAME] of the
 * credentials file; where both have an option, the credentials file's holds. [sso-session NAME] and [services NAME]
 * exist in the config file only.
 *
 * Any thread; files are read, so not on the FUSE loop's. Source: botocore, session and configloader.
 */
#ifndef VASTFS_AWS_CREDENTIALS_PROFILES_H
#define VASTFS_AWS_CREDENTIALS_PROFILES_H

#include "base/error.h"

#include <cjson/cJSON.h>

struct aws_profiles {
	char *config_path, *shared_path; /* all owned; where the files are, or would be */
	cJSON *merged;			 /* profiles by name, of both files */
	cJSON *config;			 /* profiles by name, of the config file alone */
	cJSON *shared;			 /* sections of the credentials file by name */
	cJSON *sso_sessions, *services;	 /* by name */
};

/* Files that do not exist are empty. -EINVAL with a message that names file and line; the errno of reading; -ENOMEM. */
int aws_profiles_load(struct aws_profiles *ret, struct error *err);
void aws_profiles_free(struct aws_profiles *p); /* the content; zeroes are fine */

/* From the text of the two files, for aws_profiles_load. Pure. */
int aws_profiles_parse(const char *config, size_t config_len, const char *shared, size_t shared_len,
		       struct aws_profiles *ret, struct error *err);

/* Where the two files are, or would be; to be freed, NULL without a home or memory. */
char *aws_profiles_config_path(void);
char *aws_profiles_shared_path(void);

/*
 * The name of the profile in use: wanted (of the settings; NULL or "": none), else AWS_DEFAULT_PROFILE, else
 * AWS_PROFILE, in the AWS CLI's order, else NULL, which stands for "default", if there is one. A variable that is set
 * to nothing names a profile without a name.
 */
const char *aws_profiles_chosen(const char *wanted);

/* A profile's option, NULL if it has none or a nested block; profile and option as in the file, options in lower case.
 */
const char *aws_profiles_get(const cJSON *profiles, const char *profile, const char *option);

#endif
