/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.h - the CloudFormation template (template.json, built into the program) and its parameters.
 *
 * The template is constant: all that differs between stacks is a parameter, and every deploy states every parameter.
 * Pure; what is returned as cJSON is the caller's to delete, NULL without memory. Parameters are arrays of
 * {"ParameterKey", "ParameterValue"}, as CreateChangeSet takes and DescribeStacks gives them.
 */
#ifndef VASTFS_STACK_TEMPLATE_H
#define VASTFS_STACK_TEMPLATE_H

#include "stack/settings.h"

#include <cjson/cJSON.h>

/* The file, byte for byte, followed by a NUL that does not count. */
const char *template_text(size_t *ret_len);

/* It as a tree. */
cJSON *template_tree(void);

/* Its Metadata.vastfs.TemplateVersion. */
unsigned template_version(void);

/* The version of a deployed stack by its Outputs; 0 if they do not say. */
unsigned template_deployed_version(const cJSON *outputs);

/* -EINVAL with words if the stack was deployed by a newer vastfs. outputs may be NULL. */
int template_check_version(const cJSON *outputs, struct error *err);

/* What the parameters need beside the settings. NULL: not known (yet); its parameter's value is JSON's null then, which
 * is good enough for a plan but not for AWS. */
struct template_facts {
	const char *internet_gateway_id;
	const char *availability_zone;
	const char *image_uri;	    /* with its digest */
	const char *base_image;	    /* what it was assembled from; NULL: what the settings name */
	const char *file_system_id; /* does not count with ephemeral storage */
};

/* All parameters, in the template's order. Needs settings that are complete. */
cJSON *template_parameters(const struct settings *s, const struct template_facts *facts);

/* A parameter's value; NULL if it is absent or not known. */
const char *template_parameter(const cJSON *parameters, const char *name);

/* Names of the wanted parameters whose deployed value is another; those not known do not count. */
cJSON *template_differences(const cJSON *wanted, const cJSON *deployed);

#endif
