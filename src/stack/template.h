/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.h - the CloudFormation template (template.json, built into the program) and its parameters.
 *
 * The template is constant: everything that differs between stacks is a parameter, and every deploy sends every
 * parameter. Pure; any thread. The caller deletes returned cJSON trees; NULL without memory. Parameters are arrays of
 * {"ParameterKey", "ParameterValue"}, the form of CreateChangeSet and DescribeStacks.
 */
#ifndef VASTFS_STACK_TEMPLATE_H
#define VASTFS_STACK_TEMPLATE_H

#include "stack/settings.h"

#include <cjson/cJSON.h>

/* The file, byte for byte, followed by a NUL that the length does not count. */
const char *template_text(size_t *ret_len);

/* The template as a tree. */
cJSON *template_tree(void);

/* The template's Metadata.vastfs.TemplateVersion. */
unsigned template_version(void);

/* The template version of a deployed stack from its Outputs; 0 if they lack it. */
unsigned template_deployed_version(const cJSON *outputs);

/* -EINVAL with a message if the stack was deployed by a newer vastfs. outputs may be NULL. */
int template_check_version(const cJSON *outputs, struct error *err);

/*
 * Values for parameters that are not settings. NULL: not known yet; the parameter's value is then JSON's null, which is
 * valid for a plan but not for AWS.
 */
struct template_facts {
	const char *internet_gateway_id;
	const char *availability_zone;
	const char *image_uri;	    /* image with its digest */
	const char *base_image;	    /* the image that it was assembled from; NULL: vast_image */
	const char *file_system_id; /* ignored with ephemeral storage */
};

/* All parameters, in the template's order. The settings must be complete. */
cJSON *template_parameters(const struct settings *s, const struct template_facts *facts);

/* A parameter's value; NULL if it is absent or not known. */
const char *template_parameter(const cJSON *parameters, const char *name);

/* The key of the setting that determines a parameter; NULL: there is no such parameter. */
const char *template_setting(const char *parameter);

/* The names of the wanted parameters whose deployed value differs; unknown values do not count. */
cJSON *template_differences(const cJSON *wanted, const cJSON *deployed);

#endif
