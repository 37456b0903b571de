/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/template.h"

#include "stack/checks.h"
#include "stack/command_line.h"
#include "stack/environment.h"
#include "stack/reply.h"

extern const char template_json[];
extern const unsigned long template_json_length;

const char *template_text(size_t *ret_len)
{
	if (ret_len)
		*ret_len = template_json_length;
	return template_json;
}

cJSON *template_tree(void)
{
	return cJSON_ParseWithLength(template_json, template_json_length);
}

/* The version is searched in the text, in which Metadata comes first, because parsing could fail without memory. */
unsigned template_version(void)
{
	static const char key[] = "\"TemplateVersion\":";
	const char *found = strstr(template_json, key);

	return found ? (unsigned)strtoul(found + strlen(key), NULL, 10) : 0;
}

unsigned template_deployed_version(const cJSON *outputs)
{
	const cJSON *output;

	cJSON_ArrayForEach (output, outputs)
		if (strcmp(reply_text(output, "OutputKey"), "TemplateVersion") == 0)
			return (unsigned)strtoul(reply_text(output, "OutputValue"), NULL, 10);
	return 0;
}

int template_check_version(const cJSON *outputs, struct error *err)
{
	unsigned theirs = template_deployed_version(outputs), ours = template_version();

	if (theirs <= ours)
		return 0;
	error_set(err, -EINVAL, "the stack was deployed by a newer vastfs (template version %u, this one has %u)",
		  theirs, ours);
	error_remedy(err, "use the newer vastfs for this stack");
	return -EINVAL;
}

/* The source of a parameter's value: a setting, or a function of it and of facts. */
struct source {
	const char *name;
	enum setting setting;
	/* NULL: the setting's value. Else returns the value, which it may write to text; NULL: not known. */
	const char *(*value)(const struct settings *s, const struct template_facts *f, struct buf *text);
};

static const char *template_internet_gateway(_unused_ const struct settings *s, const struct template_facts *f,
					     _unused_ struct buf *text)
{
	return f->internet_gateway_id;
}

static const char *template_zone(_unused_ const struct settings *s, const struct template_facts *f,
				 _unused_ struct buf *text)
{
	return f->availability_zone;
}

static const char *template_image(_unused_ const struct settings *s, const struct template_facts *f,
				  _unused_ struct buf *text)
{
	return f->image_uri;
}

static const char *template_file_system(const struct settings *s, const struct template_facts *f,
					_unused_ struct buf *text)
{
	return s->efs ? f->file_system_id : "";
}

static const char *template_private_half(const struct settings *s, _unused_ const struct template_facts *f,
					 struct buf *text)
{
	char cidr[CIDR_TEXT_SIZE];
	struct cidr lower, upper;

	cidr_halves(&s->subnet, &lower, &upper);
	buf_puts(text, cidr_format(&lower, cidr));
	return buf_str(text);
}

static const char *template_public_half(const struct settings *s, _unused_ const struct template_facts *f,
					struct buf *text)
{
	char cidr[CIDR_TEXT_SIZE];
	struct cidr lower, upper;

	cidr_halves(&s->subnet, &lower, &upper);
	buf_puts(text, cidr_format(&upper, cidr));
	return buf_str(text);
}

static const char *template_base_image(const struct settings *s, const struct template_facts *f,
				       _unused_ struct buf *text)
{
	return f->base_image ? f->base_image : settings_get(s, SETTING_VAST_IMAGE);
}

static const char *template_server_command(const struct settings *s, _unused_ const struct template_facts *f,
					   struct buf *text)
{
	command_line_write(settings_get(s, SETTING_VAST_COMMAND), text);
	return buf_str(text);
}

static const char *template_server_environment(const struct settings *s, _unused_ const struct template_facts *f,
					       struct buf *text)
{
	environment_write(settings_get(s, SETTING_SERVER_ENVIRONMENT), text);
	return buf_str(text);
}

/*
 * Without the setting the value is Fargate's own size, which the template leaves out because ECS refuses that number.
 */
static const char *template_disk_size(const struct settings *s, _unused_ const struct template_facts *f,
				      _unused_ struct buf *text)
{
	return s->server_disk_size ? settings_get(s, SETTING_SERVER_DISK_SIZE) : "20";
}

/* The parameters in the template's order. */
static const struct source sources[] = {
	{"VpcId", SETTING_VPC_ID, NULL},
	{"InternetGatewayId", SETTING_VPC_ID, template_internet_gateway},
	{"AvailabilityZone", SETTING_VPC_ID, template_zone},
	{"PublicCidr", SETTING_SUBNET_CIDR, template_public_half},
	{"PrivateCidr", SETTING_SUBNET_CIDR, template_private_half},
	{"Stage", SETTING_STAGE, NULL},
	{"ImageUri", SETTING_VAST_IMAGE, template_image},
	{"BaseImage", SETTING_VAST_IMAGE, template_base_image},
	{"Architecture", SETTING_ARCHITECTURE, NULL},
	{"ServerCommand", SETTING_VAST_COMMAND, template_server_command},
	{"ServerEnvironment", SETTING_SERVER_ENVIRONMENT, template_server_environment},
	{"ServerPort", SETTING_VAST_PORT, NULL},
	{"ServerDataDir", SETTING_VAST_DATA_DIR, NULL},
	{"ServerCpu", SETTING_SERVER_CPU, NULL},
	{"ServerMemory", SETTING_SERVER_MEMORY, NULL},
	{"ServerDiskSize", SETTING_SERVER_DISK_SIZE, template_disk_size},
	{"Storage", SETTING_VAST_STORAGE, NULL},
	{"FileSystemId", SETTING_VAST_STORAGE, template_file_system},
	{"LambdaMemory", SETTING_LAMBDA_MEMORY, NULL},
	{"LambdaTimeout", SETTING_LAMBDA_TIMEOUT, NULL},
	{"LambdaTmpSize", SETTING_LAMBDA_TMP_SIZE, NULL},
	{"RolePolicies", SETTING_ROLE_POLICIES, NULL},
};

static bool template_add_parameter(cJSON *list, const char *name, const char *value)
{
	cJSON *parameter = cJSON_CreateObject();

	return cJSON_AddItemToArray(list, parameter) && cJSON_AddStringToObject(parameter, "ParameterKey", name) &&
	       (value ? cJSON_AddStringToObject(parameter, "ParameterValue", value)
		      : cJSON_AddNullToObject(parameter, "ParameterValue"));
}

cJSON *template_parameters(const struct settings *s, const struct template_facts *facts)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; list && i < ARRAY_SIZE(sources); i++) {
		const struct source *from = &sources[i];
		_buf_ struct buf text = BUF_INIT(COMMAND_MAX + 1);
		const char *value = from->value ? from->value(s, facts, &text) : settings_get(s, from->setting);

		if (text.error || !template_add_parameter(list, from->name, value)) {
			cJSON_Delete(list);
			return NULL;
		}
	}
	return list;
}

const char *template_parameter(const cJSON *parameters, const char *name)
{
	const cJSON *parameter;

	cJSON_ArrayForEach (parameter, parameters)
		if (strcmp(reply_text(parameter, "ParameterKey"), name) == 0)
			return cJSON_GetStringValue(reply_at(parameter, "ParameterValue"));
	return NULL;
}

cJSON *template_differences(const cJSON *wanted, const cJSON *deployed)
{
	cJSON *names = cJSON_CreateArray();
	const cJSON *parameter;

	if (!names)
		return NULL;
	cJSON_ArrayForEach (parameter, wanted) {
		const char *name = reply_text(parameter, "ParameterKey");
		const char *want = cJSON_GetStringValue(reply_at(parameter, "ParameterValue"));
		const char *have = template_parameter(deployed, name);

		if (!want || (have && strcmp(want, have) == 0))
			continue;
		if (!cJSON_AddItemToArray(names, cJSON_CreateString(name))) {
			cJSON_Delete(names);
			return NULL;
		}
	}
	return names;
}

const char *template_setting(const char *parameter)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (strcmp(sources[i].name, parameter) == 0)
			return setting_rule(sources[i].setting)->key;
	return NULL;
}
