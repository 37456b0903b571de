/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profiles.h - reads the profiles of ~/.aws/config and ~/.aws/credentials with the rules of the AWS CLI.
 *
 * A profile consists of the section [default] or [profile NAME] of the config file and the section [NAME] of the
 * credentials file. If both files have an option, the value in the credentials file takes precedence. [sso-session
 * NAME] and [services NAME] exist only in the config file.
 *
 * Any thread may call these functions except the thread of the FUSE loop, because they read files. The caller owns the
 * result.
 *
 * Source: botocore, session and configloader.
 */
#ifndef VASTFS_AWS_CREDENTIALS_PROFILES_H
#define VASTFS_AWS_CREDENTIALS_PROFILES_H

#include "base/error.h"

#include <cjson/cJSON.h>

struct aws_profiles {
	char *config_path, *shared_path; /* all owned; the files need not exist */
	cJSON *merged;			 /* profiles of both files, by name */
	cJSON *config;			 /* profiles of the config file alone, by name */
	cJSON *shared;			 /* sections of the credentials file, by name */
	cJSON *sso_sessions, *services;	 /* sections of the config file by name */
};

/*
 * A file that does not exist counts as empty. Returns -EINVAL with a message that names the file and the line, the
 * errno of a failed read, or -ENOMEM.
 */
int aws_profiles_load(struct aws_profiles *ret, struct error *err);
void aws_profiles_free(struct aws_profiles *p); /* frees the content, not *p; an all-zero *p is valid */

/* Parses the texts of the two files on behalf of aws_profiles_load. Pure. */
int aws_profiles_parse(const char *config, size_t config_len, const char *shared, size_t shared_len,
		       struct aws_profiles *ret, struct error *err);

/*
 * The paths of the two files, which need not exist; NULL without a home directory. The caller frees both, also after
 * -ENOMEM.
 */
int aws_profiles_paths(char **ret_config, char **ret_shared);

/*
 * The name of the profile in use. This is wanted, the name in the settings (NULL or "": none), or else
 * AWS_DEFAULT_PROFILE, or else AWS_PROFILE, in the order of the AWS CLI. NULL means the profile "default", which need
 * not exist. A variable that is set to an empty text names a profile with an empty name.
 */
const char *aws_profiles_chosen(const char *wanted);

/*
 * A profile's option, or NULL if the profile does not have it or if it is a nested block. profile is spelled as in the
 * file; option is in lower case.
 */
const char *aws_profiles_get(const cJSON *profiles, const char *profile, const char *option);

#endif
